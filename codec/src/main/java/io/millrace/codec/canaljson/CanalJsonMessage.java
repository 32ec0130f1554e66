package io.millrace.codec.canaljson;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One canal-json message, read back.
 *
 * @param type {@code INSERT}, {@code UPDATE}, {@code DELETE}, a DDL type such as {@code ALTER}, or
 *     {@code TIDB_WATERMARK}
 * @param ddl whether it is a DDL
 * @param commitMs {@code es}
 * @param sql the DDL statement, empty for rows
 * @param sqlTypes JDBC type number by column
 * @param mysqlTypes MySQL type by column
 * @param old old row of an update (only the changed columns, if so configured); SQL NULL is an
 *     empty Optional
 * @param data new row; the old row for a delete
 * @param commitTso from the TiDB extension
 * @param watermarkTso from the TiDB extension of a watermark
 * @param onlyHandleKey from the TiDB extension: the row was too large
 * @param claimCheck from the TiDB extension: where the whole message of a large row is
 */
public record CanalJsonMessage(
        String database,
        String table,
        List<String> pkNames,
        String type,
        boolean ddl,
        long commitMs,
        String sql,
        Map<String, Integer> sqlTypes,
        Map<String, String> mysqlTypes,
        Optional<Map<String, Optional<String>>> old,
        Optional<Map<String, Optional<String>>> data,
        Optional<Long> commitTso,
        Optional<Long> watermarkTso,
        boolean onlyHandleKey,
        Optional<String> claimCheck) {

    public boolean watermark() {
        return type.equals("TIDB_WATERMARK");
    }

    public boolean row() {
        return !ddl && !watermark();
    }
}
