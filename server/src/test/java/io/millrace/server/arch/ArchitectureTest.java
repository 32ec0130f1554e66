package io.millrace.server.arch;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.millrace.core.engine.Stage;
import java.util.TreeSet;
import org.jspecify.annotations.NullMarked;

/**
 * The dependency law. Maven's module graph holds most of it; these rules say why, and hold what the
 * graph can't. The {@code cli} module is not on this class path: Maven's Enforcer keeps it free of
 * the other modules.
 */
@AnalyzeClasses(packages = "io.millrace", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule CORE_SEES_NOTHING_OF_OURS =
            noClasses()
                    .that()
                    .resideInAPackage("io.millrace.core..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "io.millrace.codec..",
                            "io.millrace.mysql..",
                            "io.millrace.postgres..",
                            "io.millrace.kafka..",
                            "io.millrace.storage..",
                            "io.millrace.connect..",
                            "io.millrace.metastore..",
                            "io.millrace.dialects..",
                            "io.millrace.server..",
                            "io.millrace.testkit..")
                    .because(
                            "core is the contract between the others; what it needs from them comes in through its SPIs");

    @ArchTest
    static final ArchRule EDGES_DO_NOT_SEE_EACH_OTHER =
            slices().matching(
                            "io.millrace.(mysql|postgres|kafka|storage|connect|metastore|dialects)..")
                    .should()
                    .notDependOnEachOther()
                    .because(
                            "a source, a sink, a store and a dialect must each be replaceable alone; only server puts them together");

    @ArchTest
    static final ArchRule ONLY_BYTE_SINKS_SEE_CODECS =
            noClasses()
                    .that()
                    .resideInAnyPackage(
                            "io.millrace.mysql..",
                            "io.millrace.postgres..",
                            "io.millrace.metastore..",
                            "io.millrace.dialects..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("io.millrace.codec..")
                    .because(
                            "an output format is a matter of kafka and storage; elsewhere rows stay in source form");

    @ArchTest
    static final ArchRule ONLY_THE_OUTSIDE_SEES_THE_SERVER =
            noClasses()
                    .that()
                    .resideInAPackage("io.millrace..")
                    .and()
                    .resideOutsideOfPackages("io.millrace.server..", "io.millrace.bench..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("io.millrace.server..")
                    .because("server is the assembly: it sees all, nobody needs it");

    @ArchTest
    static final ArchRule PRODUCT_DOES_NOT_SEE_THE_TESTKIT =
            noClasses()
                    .that()
                    .resideInAPackage("io.millrace..")
                    .and()
                    .resideOutsideOfPackages("io.millrace.testkit..", "io.millrace.bench..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("io.millrace.testkit..", "org.junit..", "org.assertj..")
                    .because(
                            "test tools start servers and cut connections; they are never shipped");

    @ArchTest
    static final ArchRule MODEL_SEES_ONLY_THE_JDK =
            classes()
                    .that()
                    .resideInAPackage("io.millrace.core.model..")
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(
                            "java..",
                            "org.jspecify.annotations..",
                            "io.millrace.core.model..",
                            "io.millrace.core.bytes..")
                    .because(
                            "every module speaks in these types; a dependency here would be a dependency of everything");

    @ArchTest
    static final ArchRule ENGINE_DOES_NOT_SEE_CONTROL =
            noClasses()
                    .that()
                    .resideInAPackage("io.millrace.core.engine..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("io.millrace.core.control..")
                    .because("the simulation runs the engine without commands, images and stores");

    @ArchTest
    static final ArchRule DIALECTS_TALK_TO_THE_CONTROL_PLANE =
            noClasses()
                    .that()
                    .resideInAPackage("io.millrace.dialects..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "io.millrace.core.blackhole..",
                            "java.sql..",
                            "java.util.concurrent.locks..")
                    .because(
                            "a dialect only maps requests to commands and the image to answers: no state, no threads, no data");

    @ArchTest
    static final ArchRule DIALECTS_SEE_VALUES_OF_THE_ENGINE_ONLY =
            noClasses()
                    .that()
                    .resideInAPackage("io.millrace.dialects..")
                    .should()
                    .dependOnClassesThat(
                            new com.tngtech.archunit.base.DescribedPredicate<>(
                                    "do work in the engine") {
                                @Override
                                public boolean test(JavaClass target) {
                                    return target.getPackageName()
                                                    .startsWith("io.millrace.core.engine")
                                            && !target.isRecord()
                                            && !target.isEnum();
                                }
                            })
                    .because(
                            "a dialect may show progress, which is a record; it must not reach past the control plane");

    @ArchTest
    static final ArchRule DIALECTS_DO_NOT_SEE_EACH_OTHER =
            slices().matching("io.millrace.dialects.(*)..")
                    .should()
                    .notDependOnEachOther()
                    .allowEmptyShould(true)
                    .because(
                            "each dialect speaks its product's words; the common words are those of the control plane");

    @ArchTest
    static final ArchRule CAPTURE_AND_SINK_MEET_IN_SHARED_PACKAGES =
            noClasses()
                    .that()
                    .resideInAPackage("io.millrace.mysql.sink..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("io.millrace.mysql.capture..")
                    .allowEmptyShould(true)
                    .because("a sink must work for rows of any source");

    @ArchTest
    static final ArchRule KAFKA_INSIDES_STAY_IN_ONE_PACKAGE =
            noClasses()
                    .that()
                    .resideInAPackage("io.millrace..")
                    .and()
                    .resideOutsideOfPackages(
                            "io.millrace.connect.host.runtime..",
                            "io.millrace.testkit..",
                            "io.millrace.bench..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "kafka..",
                            "org.apache.kafka.connect.runtime..",
                            "org.apache.kafka.connect.storage..",
                            "org.apache.kafka.connect.util..",
                            "org.apache.kafka.metadata..",
                            "org.apache.kafka.server..")
                    .because(
                            "these classes change with each version of Kafka: an upgrade has one package to look at");

    @ArchTest
    static final ArchRule ONLY_ONE_PART_STARTS_CONNECT =
            noClasses()
                    .that()
                    .resideInAPackage("io.millrace.server..")
                    .and()
                    .haveSimpleNameNotStartingWith("ConnectPart")
                    .and()
                    .haveSimpleNameNotStartingWith("MillraceNode")
                    .should()
                    .dependOnClassesThat()
                    .haveFullyQualifiedName("io.millrace.connect.host.ConnectHost")
                    .because("a server without Connect must not load Kafka's broker");

    @ArchTest
    static final ArchRule STAGES_DO_NOT_BLOCK =
            noClasses()
                    .that()
                    .areAssignableTo(Stage.class)
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("java.sql..", "java.net..", "java.nio.channels..")
                    .orShould()
                    .callMethod(Thread.class, "sleep", long.class)
                    .because(
                            "a stage is stepped by hand in tests and may share its thread with others");

    @ArchTest
    static final ArchRule CORE_PACKAGES_HAVE_NO_CYCLES =
            slices().matching("io.millrace.core.(*)..")
                    .should()
                    .beFreeOfCycles()
                    .because("packages that need each other are one package with two names");

    @ArchTest
    static final ArchRule ONE_WAY_TO_LOG =
            noClasses()
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("java.util.logging..", "org.apache.commons.logging..")
                    .because("levels change at run time through Log4j behind SLF4J");

    @ArchTest
    static void everyPackageIsNullMarked(JavaClasses all) {
        TreeSet<String> unmarked = new TreeSet<>();
        for (JavaClass type : all) {
            if (!type.getPackage().isAnnotatedWith(NullMarked.class)) {
                unmarked.add(type.getPackageName());
            }
        }
        assertThat(unmarked).as("packages without @NullMarked in package-info.java").isEmpty();
    }
}
