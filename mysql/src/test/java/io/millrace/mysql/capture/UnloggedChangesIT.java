package io.millrace.mysql.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.filter.TableFilters;
import io.millrace.testkit.servers.DbServer;
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class UnloggedChangesIT {
    @ParameterizedTest
    @EnumSource(DbServer.Flavor.class)
    void childrenOfCascadesAreNamedIfTheJobWantsThem(DbServer.Flavor flavor) throws Exception {
        try (DbServer server = DbServer.of(flavor).start()) {
            server.execute(
                    "CREATE DATABASE d",
                    "CREATE TABLE d.p (id INT PRIMARY KEY)",
                    "CREATE TABLE d.deleted (a INT, FOREIGN KEY (a) REFERENCES d.p (id) ON DELETE"
                            + " CASCADE)",
                    "CREATE TABLE d.changed (a INT, FOREIGN KEY (a) REFERENCES d.p (id) ON UPDATE"
                            + " SET NULL)",
                    "CREATE TABLE d.held (a INT, FOREIGN KEY (a) REFERENCES d.p (id) ON DELETE"
                            + " RESTRICT ON UPDATE NO ACTION)",
                    "CREATE TABLE d.unwanted (a INT, FOREIGN KEY (a) REFERENCES d.p (id) ON DELETE"
                            + " CASCADE)");
            try (Connection control = server.connect()) {
                assertThat(
                                UnloggedChanges.find(
                                        control,
                                        TableFilters.parse(List.of("d.*", "!d.unwanted"), true)))
                        .containsExactly("d.changed", "d.deleted");
            }
        }
    }
}
