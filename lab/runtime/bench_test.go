package runtime

import "testing"

// BenchmarkWarmInvoke is what an invocation costs where the function does nothing and its process is there.
func BenchmarkWarmInvoke(b *testing.B) {
	l := start(b, nil)
	l.must(b, "say")
	for b.Loop() {
		if _, err := l.Invoke(b.Context(), l.function, []byte("{}")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkColdStart is what an invocation costs with a process that is started for it, the code being unpacked.
func BenchmarkColdStart(b *testing.B) {
	l := start(b, nil)
	l.must(b, "say")
	for b.Loop() {
		if _, err := l.Invoke(b.Context(), l.function, []byte(`{"do": "exit 0"}`)); err != nil {
			b.Fatal(err)
		}
	}
}
