package io.millrace.mysql.position;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.SourcePosition;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A point in a binlog: the transaction to read again, and how much of it is already done.
 *
 * <p>The text form is a list of {@code key=value} fields joined by {@code ;}, with {@code %},
 * {@code ;} and {@code |} in values percent-encoded: {@code v} format (1), {@code f} file and
 * {@code o} offset of the start of the transaction, {@code t} floor TSO, {@code s} the server's
 * number in hexadecimal, and where they apply {@code i} events of the transaction to skip, {@code
 * c} its GTID, {@code g} executed GTIDs ({@code m:} MySQL's or {@code a:} MariaDB's form), {@code
 * h} held XA transactions as {@code file:offset|gtids|xid|xid…}.
 *
 * @param start where the transaction starts that comes next or that the position is inside of
 * @param eventIndex row events (and DDL) of it that are done, 0 between transactions
 * @param inside its GTID when {@code eventIndex} is not 0 and GTIDs are in use
 * @param gtids executed before it, when GTIDs are in use
 * @param held prepared XA transactions before the position
 * @param floorTso TSO of the last transaction wholly before the position, or of a later mark
 * @param serverNumber which server the file names belong to, 0 when unknown
 */
public record BinlogPosition(
        BinlogCoordinate start,
        int eventIndex,
        Optional<Gtid> inside,
        Optional<GtidSet> gtids,
        Optional<HeldXa> held,
        long floorTso,
        long serverNumber)
        implements SourcePosition {

    /** A position between transactions, without GTIDs. */
    public static BinlogPosition at(String file, long offset, long floorTso) {
        return new BinlogPosition(
                new BinlogCoordinate(file, offset),
                0,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                floorTso,
                0);
    }

    /** A place in a server's binlog. */
    public static BinlogPosition of(BinlogCoordinate start, long serverNumber) {
        return new BinlogPosition(
                start, 0, Optional.empty(), Optional.empty(), Optional.empty(), 0, serverNumber);
    }

    @Override
    public boolean covers(SourcePosition other) {
        return other instanceof BinlogPosition position && covers(position);
    }

    private boolean covers(BinlogPosition other) {
        if (gtids.isPresent() && other.gtids.isPresent()) {
            GtidSet mine = gtids.get();
            GtidSet theirs = other.gtids.get();
            if (!mine.containsAll(theirs)) {
                return false;
            }
            if (other.eventIndex == 0) {
                return true;
            }
            return other.inside.isPresent() && mine.contains(other.inside.get())
                    || inside.equals(other.inside) && eventIndex >= other.eventIndex;
        }
        if (start.equals(other.start)) {
            return eventIndex >= other.eventIndex;
        }
        return start.atOrAfter(other.start);
    }

    /** The same place with a higher floor, from a mark of the upstream's clock. */
    public BinlogPosition withFloor(long tso) {
        return new BinlogPosition(start, eventIndex, inside, gtids, held, tso, serverNumber);
    }

    @Override
    public String encode() {
        StringBuilder out = new StringBuilder("v=1");
        field(out, 'f', escape(start.file()));
        field(out, 'o', Long.toString(start.offset()));
        field(out, 't', Long.toUnsignedString(floorTso));
        field(out, 's', Long.toHexString(serverNumber));
        if (eventIndex > 0) {
            field(out, 'i', Integer.toString(eventIndex));
        }
        inside.ifPresent(gtid -> field(out, 'c', gtid.toString()));
        gtids.ifPresent(set -> field(out, 'g', encodeGtids(set)));
        held.ifPresent(xa -> {
            StringBuilder value = new StringBuilder();
            value.append(escape(xa.start().file())).append(':').append(xa.start().offset());
            value.append('|').append(xa.gtids().map(BinlogPosition::encodeGtids).orElse(""));
            for (String xid : xa.xids()) {
                value.append('|').append(escape(xid));
            }
            field(out, 'h', value.toString());
        });
        return out.toString();
    }

    /**
     * Reads {@link #encode} back.
     *
     * @throws MillraceException INVALID_PARAMETER when the text is malformed
     */
    public static BinlogPosition decode(String text) {
        try {
            Map<String, String> fields = new HashMap<>();
            for (String field : text.split(";", -1)) {
                int equals = field.indexOf('=');
                if (equals < 1
                        || fields.put(field.substring(0, equals), field.substring(equals + 1))
                                != null) {
                    throw new IllegalArgumentException("field: " + field);
                }
            }
            if (!require(fields, "v").equals("1")) {
                throw new IllegalArgumentException("format " + fields.get("v"));
            }
            return new BinlogPosition(
                    new BinlogCoordinate(
                            unescape(require(fields, "f")), Long.parseLong(require(fields, "o"))),
                    Integer.parseInt(fields.getOrDefault("i", "0")),
                    Optional.ofNullable(fields.get("c")).map(Gtid::parse),
                    Optional.ofNullable(fields.get("g")).map(BinlogPosition::decodeGtids),
                    Optional.ofNullable(fields.get("h")).map(BinlogPosition::decodeHeld),
                    Long.parseUnsignedLong(require(fields, "t")),
                    Long.parseUnsignedLong(require(fields, "s"), 16));
        } catch (IllegalArgumentException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER, "not a binlog position: " + text, e);
        }
    }

    private static void field(StringBuilder out, char key, String value) {
        out.append(';').append(key).append('=').append(value);
    }

    private static String require(Map<String, String> fields, String key) {
        String value = fields.get(key);
        if (value == null) {
            throw new IllegalArgumentException("no field " + key);
        }
        return value;
    }

    private static String encodeGtids(GtidSet set) {
        return (set instanceof MySqlGtidSet ? "m:" : "a:") + set;
    }

    private static GtidSet decodeGtids(String text) {
        if (text.startsWith("m:")) {
            return MySqlGtidSet.parse(text.substring(2));
        }
        if (text.startsWith("a:")) {
            return MariaDbGtidSet.parse(text.substring(2));
        }
        throw new IllegalArgumentException("GTID set: " + text);
    }

    private static HeldXa decodeHeld(String text) {
        String[] parts = text.split("\\|", -1);
        int colon = parts[0].lastIndexOf(':');
        if (parts.length < 3 || colon < 0) {
            throw new IllegalArgumentException("held transactions: " + text);
        }
        List<String> xids = new ArrayList<>();
        for (int i = 2; i < parts.length; i++) {
            xids.add(unescape(parts[i]));
        }
        return new HeldXa(
                new BinlogCoordinate(
                        unescape(parts[0].substring(0, colon)),
                        Long.parseLong(parts[0].substring(colon + 1))),
                parts[1].isEmpty() ? Optional.empty() : Optional.of(decodeGtids(parts[1])),
                xids);
    }

    private static String escape(String value) {
        return value.replace("%", "%25").replace(";", "%3B").replace("|", "%7C");
    }

    private static String unescape(String value) {
        return value.indexOf('%') < 0
                ? value
                : java.net.URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        StringBuilder out = new StringBuilder(start.toString());
        if (eventIndex > 0) {
            out.append(" event ").append(eventIndex);
        }
        gtids.ifPresent(set -> out.append(" after GTIDs ").append(set));
        return out.toString();
    }
}
