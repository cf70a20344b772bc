package tuf

// Option changes how Verify or Fetch works.
type Option func(*options)

type options struct {
	cache  string
	theirs bool
}

// Cache lets Verify and Fetch keep go-tuf's client cache in a directory, so that a
// repository that went back since the last call is found out.
func Cache(dir string) Option { return func(o *options) { o.cache = dir } }

// Theirs lets Verify take what go-tuf's client takes. What only the rules for
// our own repositories refuse is a warning that names role, version and key.
func Theirs() Option { return func(o *options) { o.theirs = true } }

func collect(opts []Option) options {
	var o options
	for _, f := range opts {
		f(&o)
	}
	return o
}
