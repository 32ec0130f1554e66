package io.millrace.mysql.position;

/**
 * A byte in a binlog.
 *
 * @param file name without folder, such as {@code binlog.000003}
 * @param offset from the start of the file, at the start of an event
 */
public record BinlogCoordinate(String file, long offset) {
    /** The first event of every file. */
    public static final long FIRST_OFFSET = 4;

    /**
     * Whether this is at or behind {@code other}. False when the files have different base names,
     * because their order is unknown.
     */
    public boolean atOrAfter(BinlogCoordinate other) {
        if (file.equals(other.file)) {
            return offset >= other.offset;
        }
        int dot = file.lastIndexOf('.');
        int otherDot = other.file.lastIndexOf('.');
        if (dot < 0 || dot != otherDot || !file.regionMatches(0, other.file, 0, dot)) {
            return false;
        }
        String number = file.substring(dot + 1);
        String otherNumber = other.file.substring(dot + 1);
        // Numbers have six digits and grow to seven after 999999.
        return number.length() == otherNumber.length()
                ? number.compareTo(otherNumber) > 0
                : number.length() > otherNumber.length();
    }

    @Override
    public String toString() {
        return file + ":" + offset;
    }
}
