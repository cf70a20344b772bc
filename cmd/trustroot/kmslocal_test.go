package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/kms/local"
)

// kmslocal is the KMS stand-in for scripts:
//
//	kmslocal [--as CALLER] [--throttle N] [--cut N] [--deny ACTION] [--calls FILE] COMMAND...
//
// runs a command beside it. Keys last from one command to the next in
// kms.json; what was called is counted in FILE, "Sign 2" a line.
func kmslocal() {
	if err := runKMSLocal(os.Args[1:]); err != nil {
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			os.Exit(failed.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "kmslocal:", err)
		os.Exit(125)
	}
}

func runKMSLocal(args []string) (err error) {
	flags := flag.NewFlagSet("kmslocal", flag.ContinueOnError)
	as := flags.String("as", local.AccessKeyID, "access key ID")
	throttle := flags.Int("throttle", 0, "every nth call is throttled")
	cut := flags.Int("cut", 0, "every nth connection is torn")
	deny := flags.String("deny", "", "an action that is denied")
	calls := flags.String("calls", "", "file for the counts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	rules := local.Rules{ThrottleEvery: *throttle, CutEvery: *cut}
	if *deny != "" {
		rules.Deny = []local.Deny{{Action: *deny}}
	}
	server, err := local.Start(context.Background(), local.Options{
		StateFile: "kms.json", Rules: rules,
		Principals: map[string]local.Principal{"OUTSIDE": {ARN: outside}, "FULCIO": {ARN: fulcioID}, "SECOND": {ARN: reviewer}},
		Roles:      []local.Role{{ARN: keyAdmin, Trust: []string{outside}}},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	cmd := exec.Command(flags.Arg(0), flags.Args()[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), server.EnvFor(*as)...)
	runErr := cmd.Run()
	if *calls == "" {
		return runErr
	}
	return errors.Join(runErr, writeCalls(*calls, server.Calls()))
}

func writeCalls(path string, calls []local.Call) error {
	n := map[string]int{}
	for _, c := range calls {
		n[c.Action]++
	}
	var text strings.Builder
	for _, action := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(&text, "%s %d\n", action, n[action])
	}
	return os.WriteFile(path, []byte(text.String()), 0o600)
}
