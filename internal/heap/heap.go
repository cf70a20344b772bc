// Package heap lets the heap grow to 16 MiB before it is collected for the first
// time. Most commands end before that: collecting what the initialisation of
// libraries left behind would take them a fifth of their time. It is imported
// for this alone, by the command; GOGC, where it is set, stays what it says.
//
// Go initialises packages in the order of their paths where dependencies leave
// a choice, so this one comes before most libraries.
package heap

import (
	"os"
	"runtime/debug"
)

// percent is what GOGC would say: the first collection comes at 4 MiB times
// this, later ones when the heap is five times what lived.
const percent = 400

func init() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
