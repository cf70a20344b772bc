// Package begin holds the commands that begin a trust directory and check its
// plan.
package begin

import (
	"context"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package; practice begins a trust directory
// to walk by hand.
func Commands(f *cmdutil.Factory, practice func(context.Context, *cmdutil.Factory) error) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("", newInitCmd(f, practice), newAdoptCmd(f)),
		cmdutil.Under("plan", newPlanCheckCmd(f), newPlanSchemaCmd(f)),
	}
}
