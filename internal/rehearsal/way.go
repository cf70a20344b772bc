package rehearsal

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// request is the one that this rehearsal creates.
type request struct {
	ceremony string
	sequence int
}

func requestPath(r *Rehearsal) string {
	return r.in(stick, fmt.Sprintf("%04d-%s.tar", r.request.sequence, r.request.ceremony))
}

// recordPath is where the ceremony leaves its record.
func recordPath(r *Rehearsal) string {
	return r.in(stick, r.Now.UTC().Format(time.DateOnly)+"-"+r.request.ceremony)
}

func (r *Rehearsal) createRequest(ctx context.Context) error {
	return r.trustroot(ctx, "request", "create", "--ceremony", r.request.ceremony, "--out", r.in(stick))
}

// hold holds the ceremony.
func (r *Rehearsal) hold(ctx context.Context) error {
	if r.Hold != nil {
		return holdInRoom(ctx, r)
	}
	p, err := planIn(r.in(trustdir.PlanFile))
	if err != nil {
		return err
	}
	token := p.Ceremonies[r.request.ceremony].Token
	if err := r.trustroot(ctx, "ceremony", "run", requestPath(r), "--serial", serial(token), "--out", r.in(stick), "--allow-network", "--rehearsal"); err != nil {
		return err
	}
	if pinned(r) == "" {
		return nil
	}
	if err := r.Offline.named(recordPath(r)); err != nil {
		return err
	}
	r.say("      %s ran, SHA-256 %s: the record names it", OfflineName, pinned(r))
	return nil
}

// pinned is the digest that the plan pins of the program that runs on the day.
func pinned(r *Rehearsal) string {
	if r.Offline == nil || r.Hold != nil {
		return ""
	}
	return r.Offline.SHA256
}

func accept(ctx context.Context, r *Rehearsal) error {
	return r.trustroot(ctx, "ceremony", "accept", recordPath(r), "--rehearsal")
}

// publish stages what changed, has the holder sign it, and publishes it.
func publish(ctx context.Context, r *Rehearsal, stage string) error {
	waiting, err := waits(ctx, r, "tuf "+stage)
	if err != nil {
		return err
	}
	if waiting { // accept, cutover and compromise stage what they change
		if err := r.trustroot(ctx, "tuf", stage); err != nil {
			return err
		}
	}
	folders, err := filepath.Glob(r.in("staged", "*[0-9]"))
	if err != nil {
		return fmt.Errorf("look for what was staged: %w", err)
	}
	staged := folders[len(folders)-1] // they are numbered, and one was just made
	return r.each(ctx,
		[]string{"tuf", "sign", staged, "--serial", serial(HolderSerial)},
		[]string{"tuf", "merge", staged},
		[]string{"tuf", "publish", staged, "--rehearsal"},
	)
}

// look is what a stranger sees. Without a ceremony there is no new record.
func look(ctx context.Context, r *Rehearsal) error {
	return served(r, func(url string) error {
		var commands [][]string
		if r.request.ceremony != "" {
			commands = append(commands, []string{"ceremony", "verify", r.in("ceremonies", filepath.Base(recordPath(r))), "--rehearsal"})
		}
		return r.each(ctx, append(commands,
			[]string{"trusted-root", "lint", r.in(trustdir.TrustedRootFile)},
			[]string{"tuf", "verify", url, "--root", r.in("tuf", "1.root.json"), "--rehearsal"},
		)...)
	})
}

// guided are the commands that a rehearsal runs only when `trustroot next` says
// so: were it wrong, the rehearsal could not end.
var guided = []string{
	"ceremony accept", "ceremony run", "cutover", "kms create", "kms csr", "kms export", "log add", "promote", "request create",
	"tuf init", "tuf invite", "tuf join", "tuf publish", "tuf sign", "tuf stage",
}

// follows returns an error where a command is not what waits now.
func follows(ctx context.Context, r *Rehearsal, args []string) error {
	if r.Waits == nil {
		return nil
	}
	words := strings.Join(slices.DeleteFunc(slices.Clone(args), func(s string) bool { return s == "--json" }), " ")
	i := slices.IndexFunc(guided, func(g string) bool { return words == g || strings.HasPrefix(words, g+" ") })
	if i < 0 {
		return nil
	}
	waiting, err := waits(ctx, r, guided[i])
	if waiting || err != nil {
		return err
	}
	all, err := r.Waits(ctx, r.Out)
	if err != nil {
		return err
	}
	return fmt.Errorf("the rehearsal comes to `trustroot %s`, and `trustroot next` says: %s", guided[i], strings.Join(all, ", "))
}

// waits reports whether a command is what waits now; where nobody says so,
// every command is.
func waits(ctx context.Context, r *Rehearsal, words string) (bool, error) {
	if r.Waits == nil {
		return true, nil
	}
	all, err := r.Waits(ctx, r.Out)
	return slices.ContainsFunc(all, func(command string) bool { return strings.Contains(command+" ", " "+words+" ") }), err
}
