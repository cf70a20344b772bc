package prepare

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/exchange"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/renewal"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// maxCSR bounds a certification request from a file, in bytes.
const maxCSR = 16 << 10

type requestCreateOptions struct {
	*cmdutil.Factory
	ceremony string
	out      string
	csrs     []string
	image    string
	crl      int // generation of a root whose CRL is signed
	destroy  bool
}

func newRequestCreateCmd(f *cmdutil.Factory) *cobra.Command {
	o := &requestCreateOptions{Factory: f}
	cmd := cmdutil.Command(o, runRequestCreate, "create",
		"Gather what a ceremony of the plan needs, as a folder and one tar",
		"Gather what a ceremony of the plan needs, as a folder and one tar: the\n"+
			"certification requests that `trustroot kms csr` wrote, their evidence, the plan,\n"+
			"the ledger and the certificates that are there. The digest is printed in hex\n"+
			"groups and in words, to be written on paper. Beside it comes a kit for the day:\n"+
			"the manual, the script to print and fill in, the one that records the session,\n"+
			"the trustroot-offline beside this program, unless the plan pins another one, and\n"+
			"with --image the ceremony image, which must be the one that the plan names.\n\n"+
			"--crl adds a ceremony today at a root's token to the plan, for its CRL alone;\n"+
			"with --destroy its key is destroyed there too, once the root has ended.")
	cmd.Flags().StringVar(&o.ceremony, "ceremony", "", "name of the ceremony in the plan (default: its only one)")
	cmd.Flags().StringVar(&o.out, "out", ".", "folder to write to, such as the mounted stick")
	cmd.Flags().StringArrayVar(&o.csrs, "csr", nil, "certification request whose key is not in KMS; the plan calls the key external and pins it (repeatable)")
	cmd.Flags().IntVar(&o.crl, "crl", 0, "generation of a root: add a ceremony for its CRL to the plan")
	cmd.Flags().BoolVar(&o.destroy, "destroy", false, "with --crl: destroy the root's key in that ceremony")
	cmd.Flags().StringVar(&o.image, "image", "", "ceremony image to put into the kit; the plan pins its SHA-256")
	return cmd
}

func runRequestCreate(ctx context.Context, o *requestCreateOptions) error {
	if o.crl != 0 && o.ceremony != "" || o.destroy && o.crl == 0 {
		return cmdutil.Usage("--crl N adds a ceremony of its own, and --destroy goes with it", "these flags do not go together")
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	if o.crl != 0 {
		if o.ceremony, err = renewal.RootDay(d, o.crl, o.destroy, o.Now); err != nil {
			return err
		}
		o.Progress("%s has the ceremony %s", trustdir.PlanFile, o.ceremony)
		if d, err = trustdir.Open(o.Dir); err != nil {
			return err
		}
	}
	if err := checkMeant(ctx, o.Factory, d); err != nil {
		return err
	}
	csrs := map[string][]byte{}
	for _, path := range o.csrs {
		if csrs[path], err = cmdutil.ReadBounded(path, maxCSR); err != nil {
			return err
		}
	}
	carried := map[string][]byte{}
	if o.image != "" {
		if carried[exchange.KitImage], err = cmdutil.ReadBounded(o.image, exchange.MaxImage); err != nil {
			return err
		}
		if err := exchange.CheckImage(d, o.ceremony, carried[exchange.KitImage]); err != nil {
			return err
		}
	}
	r, err := exchange.Create(d, o.ceremony, o.out, csrs, o.Now)
	if err != nil {
		return err
	}
	o.Progress("wrote %s and %s.tar; write the words down on paper", r.Path, r.Path)
	if err := o.carry(carried, r.Plan.Ceremonies[r.Manifest.Ceremony].BinarySHA256); err != nil {
		return err
	}
	kit, err := exchange.WriteKit(r, carried)
	if err != nil {
		return fault.New(fault.Failure, "copy CEREMONY.md, the program and the image to the stick yourself: the request is whole", err)
	}
	o.Progress("wrote %s: the manual, the script to print, the one that records the session, %s, and their SHA256SUMS", kit, strings.Join(slices.Sorted(maps.Keys(carried)), ", "))
	if digest := r.Plan.Ceremonies[r.Manifest.Ceremony].ImageSHA256; digest != "" {
		o.Progress("before the day, and again on the day, read the image's digest on another machine (sha256sum): %s", digest)
	}
	return show.PrintRequest(o.Factory, r)
}

// carry adds the offline program that lies beside this one.
func (o *requestCreateOptions) carry(carried map[string][]byte, pinned string) error {
	offline, err := rehearsal.FindOffline()
	switch {
	case err != nil:
		return err
	case offline == nil:
		o.Progress("no %s lies beside this program: take it to the day yourself", rehearsal.OfflineName)
		return nil
	case pinned != "" && pinned != offline.SHA256:
		o.Progress("the plan pins another program than %s, with SHA-256 %s: take that one to the day yourself", offline.Path, pinned)
		return nil
	}
	carried[rehearsal.OfflineName], err = cmdutil.ReadBounded(offline.Path, exchange.MaxImage)
	return err
}
