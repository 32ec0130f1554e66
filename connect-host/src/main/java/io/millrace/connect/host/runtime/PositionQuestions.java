package io.millrace.connect.host.runtime;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Asks where connectors stand, each one once at a time: Connect queues such questions without a
 * limit behind whatever its only thread is at, so those who ask again and again must not add to
 * them. Safe for use by threads.
 */
final class PositionQuestions {
    /** Positions are asked of Kafka, so not more often than they can change. */
    static final Duration LIVE = Duration.ofSeconds(2);

    /** After this time without an answer there will be none. */
    static final Duration LOST = Duration.ofMinutes(2);

    /** Asks without waiting; the answer is the position in words, empty when there is none. */
    interface Asker {
        void ask(String connector, Consumer<String> answer);
    }

    private static final class Question {
        private final long atNs;
        private final CountDownLatch answered = new CountDownLatch(1);
        private volatile String text = "";

        private Question(long atNs) {
            this.atNs = atNs;
        }

        private void answer(String given) {
            text = given;
            answered.countDown();
        }
    }

    private final Asker asker;
    private final LongSupplier nanoTime;
    private final Map<String, Question> last = new HashMap<>(); // guarded by this

    PositionQuestions(Asker asker, LongSupplier nanoTime) {
        this.asker = asker;
        this.nanoTime = nanoTime;
    }

    /**
     * Positions by name. A connector that has not answered when the limit has passed since it was
     * asked, or has no position, is missing.
     */
    Map<String, String> of(List<String> connectors, Duration limit) throws InterruptedException {
        Map<String, String> found = new HashMap<>();
        for (Map.Entry<String, Question> each : asked(connectors).entrySet()) {
            Question question = each.getValue();
            long left = question.atNs + limit.toNanos() - nanoTime.getAsLong();
            if (question.answered.await(left, TimeUnit.NANOSECONDS) && !question.text.isEmpty()) {
                found.put(each.getKey(), question.text);
            }
        }
        return found;
    }

    private synchronized Map<String, Question> asked(List<String> connectors) {
        last.keySet().retainAll(connectors);
        Map<String, Question> questions = new LinkedHashMap<>();
        for (String connector : connectors) {
            long now = nanoTime.getAsLong();
            Question question = last.get(connector);
            if (question == null || isOver(question, now)) {
                question = new Question(now);
                last.put(connector, question);
                asker.ask(connector, question::answer);
            }
            questions.put(connector, question);
        }
        return questions;
    }

    private static boolean isOver(Question question, long now) {
        Duration life = question.answered.getCount() == 0 ? LIVE : LOST;
        return now - question.atNs >= life.toNanos();
    }
}
