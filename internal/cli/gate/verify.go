package gate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/gate"
)

type verifyOptions struct {
	*cmdutil.Factory
	artifacts []string
	policy    string
	bundles   []string
	digest    string
	layout    string
	exec      bool
	arguments []string // of the artifact that is run
	list      io.Reader
	explain   bool
	schema    bool
}

func newVerifyCmd(f *cmdutil.Factory) *cobra.Command {
	o := &verifyOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "verify ARTIFACT... --policy FILE [--bundle FILE...] [--exec -- ARGUMENT...]",
		Short: "Decide whether an artifact may run: both its bundles hold, or nothing",
		Long: `Decide whether an artifact may run. By default two Sigstore bundles must both
hold: one signed by a key that the policy pins, one keyless, by an identity that
it pins with the claims of its certificate. The policy's rule may ask for other
numbers. Each bundle needs an entry in the log and a signed time. Nothing is
fetched: trust comes from the file, the mirrored TUF repository or the TUF
client's cache that the policy names.

Without --bundle, the bundles are the files beside the artifact whose names are
the artifact's with an ending of .sigstore.json. Several artifacts, or a list on
standard input where ARTIFACT is -, are judged in parallel under one policy, with
one line of JSON each in their order. A line of the list is a path; after tabs it
may name its bundles.

An artifact is a file; with --digest what has that digest, for instance an image
by its reference; with --oci-layout an image in a folder, and its bundles are
those that refer to it. Between this check and a later run somebody may replace
the file: --exec copies it into sealed memory, judges that and runs that (Linux
only; a script is refused, since its interpreter would read it again).

When anything does not hold the exit code is 5, and standard error has one line
of JSON with every check before the error's text.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			o.artifacts, o.list = args, c.InOrStdin()
			if at := c.ArgsLenAtDash(); at >= 0 {
				o.artifacts, o.arguments = args[:at], args[at:]
			}
			return runVerify(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.policy, "policy", "", "what must hold")
	cmd.Flags().StringArrayVar(&o.bundles, "bundle", nil, "a Sigstore bundle of the artifact; give each, in any order")
	cmd.Flags().StringVar(&o.digest, "digest", "", "judge what has this digest: sha256:HEX, or an image reference that ends with it")
	cmd.Flags().StringVar(&o.layout, "oci-layout", "", "judge the image in this folder, with the bundles that refer to it")
	cmd.Flags().BoolVar(&o.exec, "exec", false, "run the artifact from sealed memory once it is accepted, with the arguments after --")
	cmd.Flags().BoolVar(&o.explain, "explain", false, "show every check, also those that hold")
	cmd.Flags().BoolVar(&o.schema, "schema", false, "print the JSON schema of a policy and do nothing else")
	return cmd
}

func runVerify(ctx context.Context, o *verifyOptions) error {
	if o.schema {
		return cmdutil.PrintData(o.Out, gate.Schema())
	}
	if err := o.check(); err != nil {
		return err
	}
	policy, err := gate.ReadPolicy(o.policy)
	if err != nil {
		return err
	}
	if len(o.artifacts) > 1 || len(o.artifacts) == 1 && o.artifacts[0] == "-" {
		return o.many(ctx, gate.Open(ctx, policy, o.Now))
	}
	request, err := o.one(ctx)
	if err != nil {
		return err
	}
	report, refusal := gate.Open(ctx, policy, o.Now).Verify(ctx, request)
	if refusal != nil && ctx.Err() != nil {
		return fault.New(fault.Stopped, "do not run it", fmt.Errorf("%s was not judged: %w", o.artifactName(), context.Cause(ctx)))
	}
	if o.exec && refusal == nil {
		return request.Artifact.Sealed.Exec(append([]string{o.artifacts[0]}, o.arguments...), os.Environ())
	}
	return errors.Join(o.print(ctx, report), refusal)
}

func (o *verifyOptions) artifactName() string {
	if len(o.artifacts) == 0 {
		return "the artifact"
	}
	return o.artifacts[0]
}

// check refuses flags that do not go together.
func (o *verifyOptions) check() error {
	named := len(o.artifacts)
	switch {
	case o.layout != "" && named > 0, o.layout == "" && o.digest != "" && named > 0, named == 0 && o.layout == "" && o.digest == "":
		return cmdutil.Usage("name files, or --digest, or --oci-layout", "name what is to run in one way")
	case o.policy == "":
		return cmdutil.Usage("name the policy's file with --policy", "--policy is missing")
	case o.digest != "" && o.layout == "" && len(o.bundles) == 0:
		return cmdutil.Usage("name each with --bundle", "--digest alone does not say where the bundles are")
	case (named > 1 || named == 1 && o.artifacts[0] == "-") && (len(o.bundles) > 0 || o.exec || o.explain):
		return cmdutil.Usage("put bundles beside their artifacts, or into the list", "--bundle, --exec and --explain are of one artifact")
	case o.exec && (named != 1 || o.JSON || o.explain):
		return cmdutil.Usage("name one file", "--exec runs one file, whose output is its own")
	case !o.exec && len(o.arguments) > 0:
		return cmdutil.Usage("add --exec", "arguments after -- are of the program that --exec runs")
	}
	return nil
}

// one is the request of a single artifact.
func (o *verifyOptions) one(ctx context.Context) (r gate.Request, err error) {
	for _, path := range o.bundles {
		r.Bundles = append(r.Bundles, gate.Bundle{Path: path})
	}
	switch {
	case o.layout != "":
		var referrers []gate.Bundle
		r.Artifact, referrers, err = gate.ReadLayout(o.layout, o.digest)
		r.Bundles = append(r.Bundles, referrers...)
	case o.digest != "":
		r.Artifact, err = gate.FromDigest(o.digest)
	default:
		r, err = file(o.artifacts[0], r.Bundles)
	}
	if err == nil && o.exec {
		r.Artifact.Sealed, err = gate.Seal(ctx, r.Artifact.Name)
	}
	if err != nil {
		return r, fault.New(fault.Verification, "nothing was verified", err)
	}
	return r, nil
}

func file(path string, bundles []gate.Bundle) (gate.Request, error) {
	var err error
	if len(bundles) == 0 {
		bundles, err = gate.Beside(path)
	}
	return gate.Request{Artifact: gate.Artifact{Name: path}, Bundles: bundles}, err
}

// many judges every artifact, prints a line each and fails if one is refused.
func (o *verifyOptions) many(ctx context.Context, g *gate.Gate) error {
	all, refused := 0, 0
	out := bufio.NewWriter(o.Out)
	err := g.Each(ctx, o.requests(), func(v gate.Verdict) error {
		all++
		if v.Err != nil {
			refused++
		}
		var line any = v.Report.Summary()
		if o.JSON {
			line = v.Report
		}
		data, err := json.Marshal(line)
		if err == nil {
			_, err = out.Write(append(data, '\n'))
		}
		return err
	})
	err = errors.Join(err, out.Flush())
	if refused > 0 {
		err = errors.Join(err, fault.New(fault.Verification, "do not run what is refused; `trustroot verify --explain` shows every check of one artifact",
			fmt.Errorf("%d of %d artifacts are refused", refused, all)))
	}
	return err
}

// requests are the named artifacts, or those of the list on standard input.
func (o *verifyOptions) requests() iter.Seq2[gate.Request, error] {
	return func(yield func(gate.Request, error) bool) {
		if o.artifacts[0] != "-" {
			for _, path := range o.artifacts {
				if !yield(file(path, nil)) {
					return
				}
			}
			return
		}
		lines := bufio.NewScanner(o.list)
		for lines.Scan() {
			path, rest, _ := strings.Cut(lines.Text(), "\t")
			var bundles []gate.Bundle
			for name := range strings.SplitSeq(rest, "\t") {
				if name != "" {
					bundles = append(bundles, gate.Bundle{Path: name})
				}
			}
			if path != "" && !yield(file(path, bundles)) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(gate.Request{}, fmt.Errorf("read the list: %w", err))
		}
	}
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
		return cmdutil.PrintText(o.Out, r.Explain())
	case r.Accepted:
		return cmdutil.PrintText(o.Out, fmt.Sprintf("accepted  %s  sha256:%s\n", r.Artifact, r.Artifact.SHA256))
	}
	return nil
}
