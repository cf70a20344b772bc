package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// Rehearsal is a rehearsal under way, or one that is over and whose tokens
// and KMS still run.
type Rehearsal struct {
	Options
	request request
	cards   []*virtual.Card // the root's, the holder's
	readers *virtual.Readers
	kms     *local.Server
	began   bool // something was written
	tally   tally
}

// Run walks the whole way into a folder that must not exist. The token and the
// KMS run until Close, which the caller calls whatever Run returned.
func Run(ctx context.Context, o Options) (*Rehearsal, error) {
	r := &Rehearsal{Options: o, request: request{founding, 1}}
	if err := virtual.Missing(); err != nil {
		return r, err
	}
	if _, err := os.Lstat(o.Out); err == nil {
		return r, fault.New(fault.Usage, "name another folder with --out, or remove this one to start over; to go on with it, start its tokens with `trustroot token virtual --state "+filepath.Join(o.Out, tokenState)+" --state "+filepath.Join(o.Out, otherState)+"`",
			fmt.Errorf("%s exists already; nothing was changed", o.Out))
	}
	if err := os.MkdirAll(filepath.Join(o.Out, stick), 0o755); err != nil {
		return r, fmt.Errorf("make the rehearsal's folder: %w", err)
	}
	r.began = true
	err := r.walk(ctx, foundingSteps(r))
	return r, err
}

// do binds a step to the rehearsal.
func (r *Rehearsal) do(f func(context.Context, *Rehearsal) error) func(context.Context) error {
	return func(ctx context.Context) error { return f(ctx, r) }
}

func (r *Rehearsal) walk(ctx context.Context, steps []step) error {
	for i, s := range steps {
		r.say("\n[%d/%d] %s", i+1, len(steps), s.title)
		if s.day != "" {
			r.tally.begin(s.day)
		}
		start := time.Now()
		err := s.run(ctx)
		if ctx.Err() != nil {
			// what failed, failed because token and KMS went away
			return fault.New(fault.Stopped, "", errors.New("interrupted"))
		}
		if err != nil {
			return err
		}
		r.say("      done in %s", time.Since(start).Round(time.Millisecond))
	}
	return nil
}

// Close stops the tokens, their PC/SC daemon and the KMS stand-in.
func (r *Rehearsal) Close() error {
	var errs []error
	if r.readers != nil {
		errs = append(errs, r.readers.Close())
	}
	if r.kms != nil {
		errs = append(errs, r.kms.Close())
	}
	return errors.Join(errs...)
}

// Began reports whether anything was written.
func (r *Rehearsal) Began() bool { return r.began }

// Socket is the value of PCSCLITE_CSOCK_NAME that reaches the tokens.
func (r *Rehearsal) Socket() string { return r.readers.Socket() }

// Environment are the variables that reach the KMS.
func (r *Rehearsal) Environment() []string {
	if r.kms == nil {
		return nil
	}
	return r.kms.Env()
}

// Secret answers the operator's prompts for secrets.
func Secret(prompt string) ([]byte, error) {
	if strings.Contains(prompt, "PUK") {
		return []byte(PUK), nil
	}
	return []byte(PIN), nil
}

func (r *Rehearsal) say(format string, args ...any) {
	fmt.Fprintf(r.Progress, format+"\n", args...) //nolint:errcheck // progress only
}

// trustroot runs a command in the trust directory and shows it as a person
// would type it.
func (r *Rehearsal) trustroot(ctx context.Context, args ...string) error {
	data, err := r.run(ctx, args...)
	if err != nil {
		return err
	}
	if text := strings.TrimRight(string(data), "\n"); text != "" && !strings.HasPrefix(text, "{") {
		r.say("      %s", strings.ReplaceAll(text, "\n", "\n      "))
	}
	return nil
}

// each runs commands until one fails.
func (r *Rehearsal) each(ctx context.Context, commands ...[]string) error {
	for _, args := range commands {
		if err := r.trustroot(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rehearsal) run(ctx context.Context, args ...string) ([]byte, error) {
	if err := follows(ctx, r, args); err != nil {
		return nil, err
	}
	name, run := "trustroot", r.Command
	if r.Offline != nil && AtToken(args) {
		name, run = OfflineName, r.Offline.Run
	}
	r.say("    $ %s %s", name, strings.Join(args, " "))
	done := r.tally.command(args)
	data, err := run(ctx, append([]string{"--dir", r.Out}, args...)...)
	done()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return data, nil
}

// in names a file of the trust directory.
func (r *Rehearsal) in(path ...string) string {
	return filepath.Join(append([]string{r.Out}, path...)...)
}

func serial(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
