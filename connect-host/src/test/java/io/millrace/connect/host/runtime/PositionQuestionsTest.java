package io.millrace.connect.host.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class PositionQuestionsTest {
    private static final Duration LIMIT = Duration.ofMillis(1);

    private final List<String> asked = new ArrayList<>();
    private final Map<String, Consumer<String>> answers = new HashMap<>();
    private long nowNs = 1;
    private final PositionQuestions questions =
            new PositionQuestions(
                    (name, answer) -> {
                        asked.add(name);
                        answers.put(name, answer);
                        if (name.startsWith("quick")) {
                            answer.accept("at " + asked.size());
                        }
                    },
                    () -> nowNs);

    private void answer(String name, String text) {
        Objects.requireNonNull(answers.get(name)).accept(text);
    }

    private void pass(Duration time) {
        nowNs += time.toNanos();
    }

    @Test
    void oneThatDoesNotAnswerIsNotAskedAgainAndHoldsNobodyUp() throws Exception {
        List<String> names = List.of("mute", "quick");
        for (int i = 0; i < 3; i++) {
            assertThat(questions.of(names, LIMIT)).isEqualTo(Map.of("quick", "at 2"));
        }
        assertThat(asked).containsExactly("mute", "quick");
        pass(PositionQuestions.LIVE);
        assertThat(questions.of(names, LIMIT)).isEqualTo(Map.of("quick", "at 3"));
        assertThat(asked).containsExactly("mute", "quick", "quick");
        answer("mute", "late");
        assertThat(questions.of(List.of("mute"), LIMIT)).as("and old").isEmpty();
        assertThat(asked).endsWith("mute");
    }

    @Test
    void anAnswerThatComesLaterIsShownWhileItIsNew() throws Exception {
        assertThat(questions.of(List.of("slow"), LIMIT)).isEmpty();
        answer("slow", "here");
        assertThat(questions.of(List.of("slow"), LIMIT)).isEqualTo(Map.of("slow", "here"));
        assertThat(asked).hasSize(1);
    }

    @Test
    void aLostQuestionIsAskedAgain() throws Exception {
        questions.of(List.of("mute"), LIMIT);
        pass(PositionQuestions.LOST.minusNanos(1));
        questions.of(List.of("mute"), LIMIT);
        assertThat(asked).hasSize(1);
        pass(Duration.ofNanos(1));
        questions.of(List.of("mute"), LIMIT);
        assertThat(asked).hasSize(2);
    }

    @Test
    void noPositionIsAnAnswer() throws Exception {
        questions.of(List.of("new"), LIMIT);
        answer("new", "");
        assertThat(questions.of(List.of("new"), Duration.ofHours(1))).isEmpty();
    }
}
