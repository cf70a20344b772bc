package yubikey

// Harden keeps the process's memory, in which PINs and management keys are for
// a while, out of swap, core files and other processes of the same user. It
// returns what could not be done, one sentence each, in words for the operator.
// It is best effort: what libraries copied stays readable in this process
// until it ends.
func Harden() []string { return harden() }
