package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/services"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

type servicesRenderOptions struct {
	*cmdutil.Factory
	name       string
	to         string
	generation int
	urgent     bool
}

func newServicesRenderCmd(f *cmdutil.Factory) *cobra.Command {
	o := &servicesRenderOptions{Factory: f}
	cmd := cmdutil.Command(o, runServicesRender, "render NAME|all",
		"Write what the services are started with: chains, flags, units",
		`Write what the services are started with, from plan and ledger, into a new
folder: chain files in the order and form that each program reads, Fulcio's OIDC
configuration, the CT log's accepted roots, a systemd unit each and one compose
file. NAME is an authority or a log of the plan. For a SPIRE CA it writes SPIRE's
upstream authority, by its plugins disk and awssecret, and the trust bundle in
PEM, and no unit: trustroot request key makes the key.

A generation is refused that the published TUF repository (tuf/ in the trust
directory) does not carry, or that it has carried for less than the expiry of
its timestamp: some verifier may not have fetched it yet. So is a chain that the
program would start with and fail on later. The exit code is then 5, and nothing
is written.

--urgent does not wait for the timestamp's expiry, for a key that was lost or
stolen. The repository must carry the generation all the same. Verifiers that
still live on what they fetched before refuse what the new generation signs,
until they fetch again; standard error says until when.`, &o.name)
	cmd.Flags().StringVar(&o.to, "out", "services", "new folder to write")
	cmd.Flags().IntVar(&o.generation, "generation", 0, "render this generation in place of the newest")
	cmd.Flags().BoolVar(&o.urgent, "urgent", false, "take a published generation before every verifier must have fetched it")
	return cmd
}

func runServicesRender(ctx context.Context, o *servicesRenderOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	names := []string{o.name}
	if o.name == "all" {
		names = services.Renderable(d.Plan)
	}
	source := services.Source{Plan: d.Plan, State: d.State, Files: d.FS(), Now: o.Now, Generation: o.generation, Urgent: o.urgent}
	if source.Published, err = publication(o.Factory, ctx, d); err != nil {
		return err
	}
	rendered, err := source.Render(names...)
	if err != nil {
		return err
	}
	files, err := services.Layout(rendered)
	if err != nil {
		return err
	}
	if err := writeFolder(o.to, files); err != nil {
		return err
	}
	return o.print(rendered)
}

// publication reads tuf/ in the trust directory; it is nil where there is none.
func publication(f *cmdutil.Factory, ctx context.Context, d *trustdir.Dir) (*services.Publication, error) {
	if d.Plan.TUF == nil {
		return nil, nil
	}
	p, err := services.ReadPublication(ctx, filepath.Join(d.Path, "tuf"), d.Plan.TUF, f.Now)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return p, err
}

// writeFolder makes a new folder with these files, or nothing.
func writeFolder(to string, files map[string][]byte) error {
	err := courier.NewFolder(to, files)
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Usage, "name another folder with --out, or move this one away", fmt.Errorf("%s exists already; nothing was changed", to))
	}
	return err
}

// print shows the command lines, as the systemd units have them.
func (o *servicesRenderOptions) print(rendered []services.Service) error {
	for _, s := range rendered {
		if !s.Early.IsZero() {
			o.Progress("%s: generation %d is early: until %s a verifier that has not fetched it refuses what it signs; have them refresh",
				s.Name, s.Generation, cmdutil.Stamp(s.Early))
		}
		for _, note := range s.Notes {
			o.Progress("%s: %s", s.Name, note)
		}
	}
	o.Progress("wrote %s", o.to)
	var text strings.Builder
	for _, s := range rendered {
		term.Fprintf(&text, "%s g%d  %s %s %s\n", s.Name, s.Generation, s.Program, s.Version, strings.Join(s.CommandLine(), " "))
	}
	return o.Print(rendered, text.String())
}
