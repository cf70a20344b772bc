package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// bigLedger has n generations of one authority, each but the last cut over.
func bigLedger(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	if err := Create(path, Created{Organization: "example.com"}, day); err != nil {
		t.Fatal(err)
	}
	entries := []Entry{certificate("root", 1, day)}
	for i := range n {
		entries = append(entries, certificate("tsa", i+1, after(i)))
		if i > 0 {
			entries = append(entries, cutover(after(i), "tsa"))
		}
	}
	if _, err := Append(path, "", after(n), entries...); err != nil {
		t.Fatal(err)
	}
	return path
}

// BenchmarkRead shows that reading and verifying is linear: the time per
// generation stays the same.
func BenchmarkRead(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		path := bigLedger(b, n)
		b.Run(fmt.Sprintf("generations=%d", n), func(b *testing.B) {
			for b.Loop() {
				l, err := Read(path)
				if err != nil {
					b.Fatal(err)
				}
				if len(l.State().Authorities["tsa"]) != n {
					b.Fatal("generations are missing")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/generation")
		})
	}
}

// Ten times the generations may take no more than thirty times the processor:
// ten is linear and a hundred quadratic.
func TestRead_Linear(t *testing.T) {
	took := func(n int) time.Duration {
		data, err := os.ReadFile(bigLedger(t, n))
		if err != nil {
			t.Fatal(err)
		}
		best := time.Hour
		for range 3 {
			began := processor(t)
			if _, err := Parse(data); err != nil {
				t.Fatal(err)
			}
			best = min(best, processor(t)-began)
		}
		return best
	}
	small, large := took(300), took(3_000)
	if large > 30*small {
		t.Errorf("300 generations take %v and 3000 take %v", small, large)
	}
}

// processor is the processor time that this process has used, which other
// processes do not change as they do the wall clock's.
func processor(t *testing.T) time.Duration {
	t.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
