// Package courier reads and writes folders that pass from hand to hand on a
// stick: bounded in number, size, depth and kind before anything is read, and
// covered by a SHA256SUMS that coreutils can check. It knows nothing of what
// the files mean. It imports internal/durable.
package courier
