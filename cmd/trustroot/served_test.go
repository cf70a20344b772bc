package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
)

// served is a web server for scripts:
//
//	served DIR COMMAND...
//
// runs a command while DIR is served on loopback, at the URL in $SERVED.
func served() {
	server := httptest.NewServer(http.FileServer(http.Dir(os.Args[1])))
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "SERVED="+server.URL)
	err := cmd.Run()
	server.Close()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(failed.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "served:", err)
		os.Exit(125)
	}
}
