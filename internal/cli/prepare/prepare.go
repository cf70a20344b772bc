package prepare

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/next"
)

type prepareOptions struct {
	*cmdutil.Factory
	out       string
	image     string
	replies   []string
	rehearsal bool
}

func newPrepareCmd(f *cmdutil.Factory) *cobra.Command {
	o := &prepareOptions{Factory: f}
	cmd := cmdutil.CommandOfMany(o, runPrepare, "prepare [REPLY…]",
		"Take every step up to the request that waits for nobody else",
		`Take every step up to the request that waits for nobody else: make the keys and
write their ARNs into the plan, invite holders, take in the replies that they
sent, and, once a second person has pinned the keys, write certification
requests, export public keys and enter checkpoint keys into the ledger. With
--out it also writes the request onto the stick. Run it again whenever somebody
else has done their part; what was done before is left alone. Each step is a
command of its own, which is shown.`, 0, &o.replies)
	cmd.Flags().StringVar(&o.out, "out", "", "folder to write the request to, such as the mounted stick")
	cmd.Flags().StringVar(&o.image, "image", "", "ceremony image to put beside the request; the plan pins its SHA-256")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runPrepare(ctx context.Context, o *prepareOptions) error {
	for done := map[string]bool{}; ; {
		command, run, err := o.step(ctx, done)
		if err != nil || run == nil {
			return err
		}
		o.Progress("$ trustroot %s", strings.Join(command, " "))
		done[strings.Join(command, " ")] = true
		if err := run(); err != nil {
			return err
		}
	}
}

// step returns the first open step that can be taken now and was not taken
// before, as its words and what does it; nil when there is none.
func (o *prepareOptions) step(ctx context.Context, done map[string]bool) ([]string, func() error, error) {
	l, err := next.Of(ctx, o.Dir, o.Now)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range l.Steps {
		if s.Done {
			continue
		}
		if s.Who == next.SecondPerson && !s.Elsewhere {
			return nil, nil, nil // what follows rests on the pins, or on the words
		}
		if s.Who != next.Administrator || len(s.Commands) != 1 {
			continue
		}
		words := strings.Fields(s.Commands[0])[1:]
		if words[0] == "--dir" {
			words = words[2:]
		}
		if run := o.runs(ctx, words); run != nil && !done[strings.Join(words, " ")] {
			return words, run, nil
		}
	}
	return nil, nil, nil
}

// runs is what a command line of this package does; nil for the others.
func (o *prepareOptions) runs(ctx context.Context, words []string) func() error {
	last := words[len(words)-1]
	switch strings.Join(words[:min(2, len(words))], " ") {
	case "kms create":
		return func() error {
			return runKMSCreate(ctx, &kmsCreateOptions{Factory: o.Factory, write: true})
		}
	case "kms csr":
		return func() error { return runKMSCSR(ctx, &kmsExportOptions{Factory: o.Factory}) }
	case "kms export":
		return func() error { return runKMSExport(ctx, &kmsExportOptions{Factory: o.Factory}) }
	case "log add":
		return func() error { return runLogAdd(ctx, &logAddOptions{Factory: o.Factory, name: last}) }
	case "tuf invite":
		return func() error { return show.Invite(o.Factory, last) }
	case "tuf join":
		if i := slices.IndexFunc(o.replies, func(path string) bool { return slices.Contains(words, filepath.Base(path)) }); i >= 0 {
			return func() error { return show.AcceptHolder(o.Factory, o.replies[i], o.rehearsal) }
		}
	case "request create":
		if at := slices.Index(words, "--ceremony"); at > 0 && o.out != "" {
			return func() error {
				return runRequestCreate(ctx, &requestCreateOptions{Factory: o.Factory, ceremony: words[at+1], out: o.out, image: o.image})
			}
		}
	}
	return nil
}
