// Package pattern holds regular expressions that are compiled when they are
// first asked. A program with many commands declares many of them and needs a
// few a run; compiled at its start they would take it a tenth of its time and
// of its own memory.
//
// It refuses nothing and imports nothing of the project.
package pattern
