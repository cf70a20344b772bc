// Package stack gives the main goroutine a stack of 256 KiB from its first
// moment. The initialisation of libraries, and most commands, then need no
// other: to grow step by step is to copy the stack each time and to read the
// tables of every function on it, pages of the program that nothing else asks
// for. A page of the stack takes memory only once it is used.
//
// The command imports it for this alone; what starts a goroutine for deep work
// calls Reserve there. It imports nothing, so Go initialises it before all that
// does, and before what has a later path.
package stack

// part is the size of one variable: the compiler moves larger ones to the heap.
const part = 64 << 10

func init() { Reserve() }

// Reserve gives the goroutine that calls it first thing such a stack too.
func Reserve() { reserve(0) }

// reserve has a frame of more than 128 KiB, for which the stack must grow before
// it is entered, and leaves without touching it.
//
//go:noinline
func reserve(n int) byte {
	if n == 0 {
		return 0
	}
	var a, b [part]byte
	fill(&a, n)
	fill(&b, n)
	return a[n] + b[n]
}

//go:noinline
func fill(p *[part]byte, n int) {
	for i := range p {
		p[i] = byte(i + n)
	}
}
