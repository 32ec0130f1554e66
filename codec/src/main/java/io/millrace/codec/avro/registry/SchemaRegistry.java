package io.millrace.codec.avro.registry;

/**
 * Where schemas are put so that readers find them. One call at a time, from any thread; calls
 * block, and end when the thread is interrupted.
 */
public interface SchemaRegistry extends AutoCloseable {
    /**
     * Makes sure that somebody answers there who speaks the registry's language.
     *
     * @throws io.millrace.core.error.MillraceException SCHEMA_REGISTRY when not, SINK_CONNECTION
     *     when nobody answers
     */
    void check();

    /**
     * Registers a schema, or finds it where it is registered already.
     *
     * @param subject the name that the schema's versions have in common
     * @param schema Avro schema as JSON
     * @return what a message of this schema starts with; callers must not change it
     * @throws io.millrace.core.error.MillraceException SCHEMA_REGISTRY when the schema is refused,
     *     SINK_CONNECTION and SINK_TRANSIENT when a later try may succeed
     */
    byte[] register(String subject, String schema);

    @Override
    void close();
}
