package io.millrace.dialects.ticdc;

import java.time.ZoneId;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the TiCDC dialect needs to know of its server.
 *
 * @param version shown by {@code status} and kept as {@code creator_version}; a semantic version
 *     that TiCDC's own tools accept, with a leading {@code v}
 * @param gitHash shown by {@code status}
 * @param clusterId shown by {@code status} and {@code captures}
 * @param zone zone of the times in answers, and of TIMESTAMP texts of new changefeeds
 * @param retryingWord how a retrying changefeed's state reads: {@code error}, as the v2 document
 *     says, or {@code warning}, as newer servers say
 * @param configuration the server's settings by dotted key, for {@code /config}; secrets are hidden
 *     there
 */
public record TiCdcSettings(
        String version,
        String gitHash,
        String clusterId,
        ZoneId zone,
        String retryingWord,
        Map<String, String> configuration) {
    public TiCdcSettings {
        configuration = Collections.unmodifiableSortedMap(new TreeMap<>(configuration));
        if (!retryingWord.equals("error") && !retryingWord.equals("warning")) {
            throw new IllegalArgumentException(
                    "the word for retrying must be error or warning: " + retryingWord);
        }
    }
}
