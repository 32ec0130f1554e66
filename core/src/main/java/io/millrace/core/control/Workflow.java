package io.millrace.core.control;

import java.time.Instant;
import java.util.List;

/**
 * What was done to add or remove something, step by step.
 *
 * @param id names it
 * @param name what was done
 * @param subject id of what it was done to
 * @param subjectType kind of the subject
 * @param tenant whose it is
 * @param steps in the order in which they were done; all of them succeeded
 */
public record Workflow(
        String id,
        String name,
        String subject,
        String subjectType,
        String tenant,
        List<Step> steps) {
    public Workflow {
        steps = List.copyOf(steps);
    }

    /**
     * One step.
     *
     * @param name of the step
     * @param parameters what it was about; holds no secrets
     * @param result what came out; holds no secrets
     */
    public record Step(String name, String parameters, String result, Instant start, Instant end) {}

    /** When the first step began. */
    public Instant start() {
        return steps.getFirst().start();
    }

    /** When the last step ended. */
    public Instant end() {
        return steps.getLast().end();
    }

    String encode() {
        Fields fields =
                new Fields()
                        .put("v", 1)
                        .put("id", id)
                        .put("name", name)
                        .put("subject", subject)
                        .put("subject-type", subjectType)
                        .put("tenant", tenant)
                        .put("step.n", steps.size());
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            String at = "step." + i + ".";
            fields.put(at + "name", step.name())
                    .put(at + "parameters", step.parameters())
                    .put(at + "result", step.result())
                    .put(at + "start", step.start())
                    .put(at + "end", step.end());
        }
        return fields.text();
    }

    static Workflow decode(String text) {
        Fields fields = Fields.parse(text);
        List<Step> steps = new java.util.ArrayList<>();
        for (int i = 0; i < fields.unsigned("step.n"); i++) {
            String at = "step." + i + ".";
            steps.add(
                    new Step(
                            fields.get(at + "name"),
                            fields.get(at + "parameters"),
                            fields.get(at + "result"),
                            Instant.parse(fields.get(at + "start")),
                            Instant.parse(fields.get(at + "end"))));
        }
        return new Workflow(
                fields.get("id"),
                fields.get("name"),
                fields.get("subject"),
                fields.get("subject-type"),
                fields.get("tenant"),
                steps);
    }
}
