package io.millrace.core.filter.expression;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A text with what decides how it is compared.
 *
 * @param value of a binary string, one ISO 8859-1 character per byte
 * @param strength whose collation counts when two texts meet: the lower one's
 * @param number what it is as a number, where that is not in its digits: of ENUM, SET and
 *     hexadecimal literals
 */
record Text(String value, Collation collation, int strength, @Nullable BigDecimal number) {
    static final int EXPLICIT = 0;
    static final int COLUMN = 2;
    static final int LITERAL = 4;
    static final int FROM_NUMBER = 5;

    static Text literal(String value) {
        return new Text(value, Collation.DEFAULT, LITERAL, null);
    }

    static Text ofNumber(String value) {
        return new Text(value, Collation.DEFAULT, FROM_NUMBER, null);
    }

    /** Another text that is compared in the same way. */
    Text with(String other) {
        return new Text(other, collation, strength, null);
    }

    /** The collation that counts when this text meets another. */
    Collation against(Text other) {
        if (strength != other.strength) {
            return strength < other.strength ? collation : other.collation;
        }
        if (collation.binary() || other.collation.binary()) {
            return Collation.BINARY;
        }
        if (!collation.charset().equals(other.collation.charset())) {
            return collation.charset().equals(StandardCharsets.UTF_8) ? collation : other.collation;
        }
        return collation.ignoresCase() ? other.collation : collation;
    }

    /** The value as this collation wants it: bytes for binary, characters for all others. */
    String in(Collation wanted) {
        if (wanted.binary() == collation.binary()) {
            return value;
        }
        return wanted.binary()
                ? new String(value.getBytes(collation.charset()), StandardCharsets.ISO_8859_1)
                : new String(value.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    /** Length in bytes. */
    int bytes() {
        return collation.binary() ? value.length() : value.getBytes(collation.charset()).length;
    }

    byte[] toBytes() {
        return value.getBytes(
                collation.binary() ? StandardCharsets.ISO_8859_1 : collation.charset());
    }
}
