package io.millrace.codec.canal;

/** Canal's EventType; the ordinal is one less than the number. */
enum CanalEventType {
    INSERT,
    UPDATE,
    DELETE,
    CREATE,
    ALTER,
    ERASE,
    QUERY,
    TRUNCATE,
    RENAME,
    CINDEX,
    DINDEX;

    private static final CanalEventType[] ALL = values();

    /** The number on the wire. */
    int number() {
        return ordinal() + 1;
    }

    /** By number on the wire; QUERY for one that is not known. */
    static CanalEventType of(long number) {
        return number >= 1 && number <= ALL.length ? ALL[(int) number - 1] : QUERY;
    }
}
