//go:build !linux

package yubikey

func harden() []string {
	return []string{"memory may be swapped out and dumped: locking it is only done on Linux"}
}
