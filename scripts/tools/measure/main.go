// Command measure runs two programs in turn, the same number of times, and
// compares what they take:
//
//	measure [-n RUNS] [-wall SHARE] [-memory SHARE] -- PROGRAM ARG… -- OTHER ARG…
//
// It prints for each the median of wall time and processor time and the largest
// resident memory, then the first one's share of the second's. A share above a
// limit that was given is an error.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// sample is what one run took.
type sample struct {
	wall, processor time.Duration
	memory          int64 // KiB
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run() error {
	runs := flag.Int("n", 30, "how often each runs")
	wall := flag.Float64("wall", 0, "largest share of the other's wall time")
	memory := flag.Float64("memory", 0, "largest share of the other's memory")
	flag.Parse()
	args := flag.Args()
	at := slices.Index(args, "--")
	if at < 1 || at == len(args)-1 || *runs < 1 {
		return fmt.Errorf("two programs are wanted, with -- between them")
	}
	programs := [2][]string{args[:at], args[at+1:]}
	var taken [2][]sample
	for i := range *runs + 1 {
		for p, program := range programs {
			s, err := once(program)
			if err != nil {
				return err
			}
			if i > 0 { // the first run warms the caches
				taken[p] = append(taken[p], s)
			}
		}
	}
	var of [2]sample
	for p := range programs {
		of[p] = summary(taken[p])
		fmt.Printf("%-16s wall %6.1f ms   processor %6.1f ms   memory %5.1f MiB\n", filepath.Base(programs[p][0]),
			ms(of[p].wall), ms(of[p].processor), float64(of[p].memory)/1024)
	}
	shares := [3]float64{
		float64(of[0].wall) / float64(of[1].wall),
		float64(of[0].processor) / float64(of[1].processor),
		float64(of[0].memory) / float64(of[1].memory),
	}
	fmt.Printf("%-16s wall %6.2f      processor %6.2f      memory %5.2f     (medians of %d runs in turn)\n", "share", shares[0], shares[1], shares[2], *runs)
	if *wall > 0 && shares[0] > *wall {
		return fmt.Errorf("wall time is %.3f of the other's, and should be at most %.3f", shares[0], *wall)
	}
	if *memory > 0 && shares[2] > *memory {
		return fmt.Errorf("memory is %.3f of the other's, and should be at most %.3f", shares[2], *memory)
	}
	return nil
}

func once(program []string) (sample, error) {
	cmd := exec.Command(program[0], program[1:]...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w\n%s", program[0], err, out)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return sample{}, fmt.Errorf("this system does not say what a program took")
	}
	return sample{took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), usage.Maxrss}, nil
}

// summary returns the medians of times and the largest memory.
func summary(all []sample) sample {
	median := func(of func(sample) time.Duration) time.Duration {
		times := make([]time.Duration, len(all))
		for i, s := range all {
			times[i] = of(s)
		}
		slices.Sort(times)
		return times[len(times)/2]
	}
	out := sample{
		wall:      median(func(s sample) time.Duration { return s.wall }),
		processor: median(func(s sample) time.Duration { return s.processor }),
	}
	for _, s := range all {
		out.memory = max(out.memory, s.memory)
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
