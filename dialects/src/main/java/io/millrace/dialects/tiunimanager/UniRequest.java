package io.millrace.dialects.tiunimanager;

import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;

/** What a route may read of a request. Faults of reading are failures with the code 10004. */
public final class UniRequest {
    private final Context http;

    UniRequest(Context http) {
        this.http = http;
    }

    /** A parameter of the path, decoded. */
    public String path(String name) {
        return http.pathParam(name);
    }

    /** A parameter of the query, decoded; empty when absent. */
    public String query(String name) {
        String value = http.queryParam(name);
        return value == null ? "" : value;
    }

    /** A whole number in the query; 0 when absent or empty. */
    public int queryInt(String name) {
        String value = query(name);
        if (value.isEmpty()) {
            return 0;
        }
        String why = "invalid syntax";
        if (value.matches("[+-]?\\d+")) {
            try {
                return Integer.parseInt(value);
            } catch (NumberFormatException e) {
                why = "value out of range";
            }
        }
        throw new UniException(
                UniCode.MARSHAL_ERROR,
                "strconv.ParseInt: parsing \"" + shortened(value) + "\": " + why);
    }

    private static String shortened(String text) {
        return text.length() <= 100 ? text : text.substring(0, 100) + "…";
    }

    /**
     * The body's object.
     *
     * @param struct the Go name of the request, for messages
     */
    public Body body(String struct) {
        try {
            return Body.parse(http.bodyAsBytes(), struct);
        } catch (HttpResponseException e) {
            throw new UniException(
                    UniCode.MARSHAL_ERROR,
                    e.getStatus() == 413
                            ? "http: request body too large"
                            : String.valueOf(e.getMessage()));
        }
    }

    /** A header; empty when absent. */
    String header(String name) {
        String value = http.header(name);
        return value == null ? "" : value;
    }
}
