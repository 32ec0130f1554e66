package io.millrace.core.spi;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ForwardingTest {
    /** The calls that arrived, with their arguments. */
    private final List<String> arrived = new ArrayList<>();

    private <T> T recorder(Class<T> type) {
        return type.cast(
                Proxy.newProxyInstance(
                        type.getClassLoader(),
                        new Class<?>[] {type},
                        (proxy, method, arguments) -> {
                            arrived.add(call(method, arguments));
                            return answer(method.getReturnType());
                        }));
    }

    private static String call(Method method, Object @Nullable [] arguments) {
        return method.getName() + (arguments == null ? "[]" : Arrays.toString(arguments));
    }

    /** A value that no method returns by itself. */
    private static @Nullable Object answer(Class<?> type) {
        if (type == boolean.class) {
            return true;
        } else if (type == int.class) {
            return 42;
        } else if (type == long.class) {
            return 42L;
        } else if (type == String.class) {
            return "42";
        }
        return null;
    }

    private static @Nullable Object argument(Class<?> type) {
        if (type == boolean.class || type == int.class || type == long.class) {
            return Objects.requireNonNull(answer(type));
        }
        return type == String.class ? "argument" : null;
    }

    private <T> void everyCallArrives(Class<T> type, T forwarding) throws Exception {
        for (Method method : type.getMethods()) {
            if (Modifier.isStatic(method.getModifiers())) {
                continue;
            }
            @Nullable Object[] arguments =
                    Arrays.stream(method.getParameterTypes())
                            .map(ForwardingTest::argument)
                            .toArray();
            arrived.clear();
            Object answered = method.invoke(forwarding, arguments);
            assertThat(arrived)
                    .as("%s", method)
                    .containsExactly(call(method, arguments.length == 0 ? null : arguments));
            assertThat(answered).as("%s", method).isEqualTo(answer(method.getReturnType()));
        }
    }

    @Test
    void aSinkHandsEveryCallOn() throws Exception {
        everyCallArrives(Sink.class, new ForwardingSink(recorder(Sink.class)) {});
    }

    @Test
    void aFactoryHandsEveryCallOn() throws Exception {
        everyCallArrives(
                SinkFactory.class, new ForwardingSinkFactory(recorder(SinkFactory.class)) {});
    }
}
