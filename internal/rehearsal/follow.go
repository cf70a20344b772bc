package rehearsal

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

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
