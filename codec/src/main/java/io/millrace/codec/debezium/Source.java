package io.millrace.codec.debezium;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.TableName;
import io.millrace.core.model.Tso;
import java.nio.charset.StandardCharsets;

/**
 * The beginning of every value: the payload's {@code source}, and {@code ts_ms} up to its number.
 */
final class Source {
    private final byte[] start;
    private final byte[] end;

    Source(String clusterId) {
        String cluster = Schemas.quoted(clusterId);
        start =
                utf8(
                        "{\"payload\":{\"source\":{\"version\":\"2.4.0.Final\",\"connector\":\"TiCDC\","
                                + "\"name\":"
                                + cluster
                                + ",\"ts_ms\":");
        end = utf8(",\"cluster_id\":" + cluster + "},\"ts_ms\":");
    }

    /** The part that a table decides. */
    static byte[] table(TableName name) {
        return utf8(
                ",\"snapshot\":\"false\",\"db\":"
                        + Schemas.quoted(name.schema())
                        + ",\"table\":"
                        + Schemas.quoted(name.table())
                        + ",\"server_id\":0,\"gtid\":null,\"file\":\"\",\"pos\":0,\"row\":0,"
                        + "\"thread\":0,\"query\":null,\"commit_ts\":");
    }

    void append(long tso, byte[] table, ByteSink out) {
        out.put(start);
        out.putLong(Tso.physicalMs(tso));
        out.put(table);
        out.putUnsigned(tso);
        out.put(end);
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
