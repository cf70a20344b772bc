// Package int80 makes a system call of 386 from an amd64 program.
package int80

// Getpid calls getpid by its number on 386.
func Getpid() int32
