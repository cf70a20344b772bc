// Command trustroot makes, renews and publishes the trust root of a
// self-hosted Sigstore.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/linnemanlabs/trustroot/internal/heap"  // before the libraries
	_ "github.com/linnemanlabs/trustroot/internal/stack" // before all that has imports
)

func main() { os.Exit(run()) }

// run is main without the exit, so that deferred cleaning up happens.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return execute(ctx, newFactory(ctx), os.Args[1:])
}
