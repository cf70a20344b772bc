package tuf

import (
	"context"
	"sync"
)

// parallel is how many target objects are on their way at once.
const parallel = 8

// each calls do for every name, several at once, and stops at the first error.
func each(ctx context.Context, names []string, do func(ctx context.Context, name string) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan string)
	var wg sync.WaitGroup
	for range min(parallel, len(names)) {
		wg.Go(func() {
			for name := range next {
				if err := do(ctx, name); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	send(ctx, next, names)
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

func send(ctx context.Context, next chan<- string, names []string) {
	for _, name := range names {
		select {
		case next <- name:
		case <-ctx.Done():
			return
		}
	}
}
