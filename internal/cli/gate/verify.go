package gate

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/gate"
)

type verifyOptions struct {
	*cmdutil.Factory
	artifact string
	policy   string
	bundles  []string
	explain  bool
	schema   bool
}

func newVerifyCmd(f *cmdutil.Factory, run func(context.Context, *verifyOptions) error) *cobra.Command {
	o := &verifyOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "verify ARTIFACT --policy FILE --bundle FILE --bundle FILE",
		Short: "Decide whether an artifact may run: both its bundles hold, or nothing",
		Long: `Decide whether an artifact may run. Two Sigstore bundles must both hold: one
signed by a key that the policy pins, one keyless from the workflow, repository
and git reference that it pins. Each needs an entry in the log and a signed
time. Nothing is fetched: trust comes from the file, the mirrored TUF repository
or the TUF client's cache that the policy names.

When anything does not hold the exit code is 5, and standard error has one line
of JSON with every check before the error's text.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.artifact = args[0]
			}
			return run(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.policy, "policy", "", "what must hold")
	cmd.Flags().StringArrayVar(&o.bundles, "bundle", nil, "a Sigstore bundle of the artifact; give it twice, in any order")
	cmd.Flags().BoolVar(&o.explain, "explain", false, "show every check, also those that hold")
	cmd.Flags().BoolVar(&o.schema, "schema", false, "print the JSON schema of a policy and do nothing else")
	return cmd
}

func runVerify(ctx context.Context, o *verifyOptions) error {
	if o.schema {
		return cmdutil.PrintText(o.Out, string(gate.Schema()))
	}
	if o.artifact == "" {
		return cmdutil.Usage("name the file that is to run", "no artifact was given")
	}
	if o.policy == "" {
		return cmdutil.Usage("name the policy's file with --policy", "--policy is missing")
	}
	policy, err := gate.ReadPolicy(o.policy)
	if err != nil {
		return err
	}
	report, refusal := gate.Verify(ctx, gate.Request{Artifact: o.artifact, Bundles: o.bundles, Policy: policy, Now: o.Now})
	return errors.Join(o.print(ctx, report), refusal)
}

// print writes the verdict to standard output, and of a refusal one line for
// those who investigate to standard error.
func (o *verifyOptions) print(ctx context.Context, r *gate.Report) error {
	if !r.Accepted {
		if err := r.Log(ctx, o.Err); err != nil {
			return err
		}
	}
	switch {
	case o.JSON:
		return cmdutil.PrintJSON(o.Out, r)
	case o.explain:
		return r.Explain(o.Out)
	case r.Accepted:
		return cmdutil.PrintText(o.Out, fmt.Sprintf("accepted  %s  sha256:%s\n", r.Artifact, r.Artifact.SHA256))
	}
	return nil
}
