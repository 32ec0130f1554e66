package io.millrace.dialects.ticdc;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What a JSON value must look like: the types of a request, described as data. */
sealed interface Shape {
    /** true or false. */
    record Bool() implements Shape {}

    /** An integer between two bounds. */
    record Int(BigInteger min, BigInteger max) implements Shape {}

    /** Text. */
    record Text() implements Shape {}

    /** A Go duration, or a number of nanoseconds; kept as nanoseconds. */
    record DurationNanos() implements Shape {}

    /**
     * Text, or an array of texts that is joined with OR: TiCDC's own documents call the SQL
     * expressions texts in one place and arrays in another.
     */
    record Expression() implements Shape {}

    /** An array. */
    record Array(Shape element) implements Shape {}

    /** An object. */
    record Struct(List<Field> fields) implements Shape {
        public Struct {
            fields = List.copyOf(fields);
        }

        /** Exact name first, then without case, as Go's decoder does. */
        @Nullable Field find(String name) {
            for (Field field : fields) {
                if (field.name().equals(name) || field.alias().equals(name)) {
                    return field;
                }
            }
            for (Field field : fields) {
                if (field.name().equalsIgnoreCase(name) || field.alias().equalsIgnoreCase(name)) {
                    return field;
                }
            }
            return null;
        }

        /** The same fields, at every depth also under other names; a field has at least one. */
        Struct withAliases(Function<String, List<String>> aliases) {
            return new Struct(
                    fields.stream()
                            .flatMap(field ->
                                    aliases.apply(field.name()).stream()
                                            .map(alias ->
                                                    new Field(
                                                            field.name(),
                                                            alias,
                                                            aliased(field.shape(), aliases),
                                                            field.zero())))
                            .toList());
        }

        private static Shape aliased(Shape shape, Function<String, List<String>> aliases) {
            return switch (shape) {
                case Struct struct -> struct.withAliases(aliases);
                case Array array -> new Array(aliased(array.element(), aliases));
                default -> shape;
            };
        }

        /** All field paths under a prefix, for documentation checks. */
        void paths(String prefix, Map<String, Shape> out) {
            for (Field field : fields) {
                String path = prefix + field.name();
                switch (field.shape()) {
                    case Struct struct -> struct.paths(path + ".", out);
                    case Array(Struct struct) -> struct.paths(path + "[].", out);
                    default -> out.put(path, field.shape());
                }
            }
        }

        Map<String, Shape> paths() {
            Map<String, Shape> out = new LinkedHashMap<>();
            paths("", out);
            return out;
        }
    }

    /**
     * A field of an object.
     *
     * @param alias a second name that requests may use, else the name again
     * @param zero what an answer shows when an object of an array leaves it out; null shows nothing
     */
    record Field(String name, String alias, Shape shape, @Nullable JsonNode zero) {}

    Shape BOOL = new Bool();
    Shape TEXT = new Text();
    Shape DURATION = new DurationNanos();
    Shape EXPRESSION = new Expression();
    Shape TEXTS = new Array(TEXT);
    Shape UINT64 = new Int(BigInteger.ZERO, BigInteger.TWO.pow(64).subtract(BigInteger.ONE));
    Shape INT64 = signed(64);
    Shape INT32 = signed(32);
    Shape INT16 = signed(16);

    private static Int signed(int bits) {
        BigInteger edge = BigInteger.TWO.pow(bits - 1);
        return new Int(edge.negate(), edge.subtract(BigInteger.ONE));
    }

    static Field field(String name, Shape shape) {
        return new Field(name, name, shape, null);
    }

    static Field field(String name, Shape shape, JsonNode zero) {
        return new Field(name, name, shape, zero);
    }

    static Struct struct(Field... fields) {
        return new Struct(List.of(fields));
    }
}
