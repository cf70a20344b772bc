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
	free := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for _, name := range names {
		free <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			if err := do(ctx, name); err != nil {
				cancel(err)
			}
			<-free
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
