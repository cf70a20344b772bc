package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/needs"
)

const module = "github.com/linnemanlabs/trustroot"

// linked runs go list over everything that a program links.
func linked(t *testing.T, program, format string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, program)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v", program, err)
	}
	return strings.Fields(string(bytes.TrimSpace(out)))
}

// listed reads the names and reasons of testdata/modules.txt.
func listed(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/modules.txt")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name == "#" {
			continue
		}
		if reasons[name] != "" || strings.TrimSpace(reason) == "" {
			t.Errorf("%s stands twice, or has no reason", name)
		}
		reasons[name] = strings.TrimSpace(reason)
	}
	return reasons
}

func TestGap_EveryModuleHasItsReason(t *testing.T) {
	reasons := listed(t)
	for _, m := range linked(t, ".", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}") {
		if _, ok := reasons[m]; !ok {
			t.Errorf("trustroot-offline links %s, which testdata/modules.txt does not name: leave it out, or name it with its reason", m)
			reasons[m] = "said once"
		}
		reasons[m] = "linked"
	}
	for _, m := range slices.Sorted(maps.Keys(reasons)) {
		if reasons[m] != "linked" {
			t.Errorf("testdata/modules.txt names %s, which is not linked: take the line out", m)
		}
	}
	for _, never := range []string{"aws", "grpc", "gocloud", "sigstore-go", "opentelemetry"} {
		for m := range reasons {
			if strings.Contains(m, never) {
				t.Errorf("%s has no place in the room", m)
			}
		}
	}
}

// reach are the calls that make a connection, a listener or a process. A
// package is parsed for them by name, whether or not anything calls it.
var reach = map[string][]string{
	"net":                   {"Dial", "DialTCP", "DialUDP", "DialIP", "DialUnix", "DialTimeout", "Dialer", "Listen", "ListenTCP", "ListenUDP", "ListenIP", "ListenPacket", "ListenUnix", "ListenConfig", "LookupHost", "LookupAddr", "LookupIP", "LookupTXT", "Resolver", "Interfaces"},
	"net/http":              {"Get", "Post", "PostForm", "Head", "Client", "DefaultClient", "Transport", "DefaultTransport", "Server", "ListenAndServe", "ListenAndServeTLS", "Serve"},
	"crypto/tls":            {"Dial", "DialWithDialer", "Dialer", "Listen"},
	"os":                    {"StartProcess"},
	"os/exec":               {"Command", "CommandContext", "Cmd"},
	"syscall":               {"Exec", "ForkExec", "StartProcess", "Socket", "Connect"},
	"golang.org/x/sys/unix": {"Exec", "Socket", "Connect"},
}

// excused are the calls that stand in what is linked, with the reason why each
// may. None of them is called by a command but the project's own two.
var excused = map[string]string{
	module + "/ceremony net.Interfaces":       "lists the host's network interfaces, which must not be there",
	module + "/internal/sandbox unix.Exec":    "runs the program again, confined, before the kernel denies it",
	module + "/internal/sandbox unix.Socket":  "tries that the kernel denies a socket",
	"github.com/digitorus/pkcs7 exec.Command": "starts openssl in a helper of its tests",
	"golang.org/x/crypto/ssh net.DialTimeout": "the SSH client; DSSE envelopes use the package's key formats",
	"golang.org/x/sys/unix syscall.Exec":      "the wrapper that internal/sandbox calls",
}

// reaches lists the calls of reach in the packages of a program, the standard
// library's own left out: "package pkg.Name".
func reaches(t *testing.T, program string) []string {
	t.Helper()
	var found []string
	for _, line := range linked(t, program, `{{if not .Standard}}{{.ImportPath}}|{{.Dir}}|{{join .GoFiles ","}},{{join .CgoFiles ","}}{{end}}`) {
		part := strings.SplitN(line, "|", 3)
		calls := map[string]bool{}
		for name := range strings.SplitSeq(part[2], ",") {
			if name != "" {
				callsOf(t, filepath.Join(part[1], name), calls)
			}
		}
		for _, call := range slices.Sorted(maps.Keys(calls)) {
			found = append(found, part[0]+" "+call)
		}
	}
	return found
}

// callsOf adds the names of reach that a file mentions.
func callsOf(t *testing.T, path string, calls map[string]bool) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{} // local name → import path
	for _, i := range file.Imports {
		from, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if reach[from] == nil {
			continue
		}
		names[filepath.Base(from)] = from
		if i.Name != nil {
			names[i.Name.Name] = from
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && slices.Contains(reach[names[x.Name]], s.Sel.Name) {
				calls[filepath.Base(names[x.Name])+"."+s.Sel.Name] = true
			}
		}
		return true
	})
}

func TestGap_NothingReachesTheNetworkOrAProgram(t *testing.T) {
	used := map[string]bool{}
	for _, r := range reaches(t, ".") {
		if excused[r] == "" {
			t.Errorf("%s", r)
		}
		used[r] = true
	}
	for r := range excused {
		if !used[r] {
			t.Errorf("%s is excused and does not happen: take it out", r)
		}
	}
}

// The program of the admin host reaches both, so the test above can fail.
func TestGap_Control(t *testing.T) {
	needs.Time(t)
	found := reaches(t, "../trustroot")
	for _, want := range []string{module + "/internal/services http.Client", module + "/internal/rehearsal exec.CommandContext"} {
		if !slices.Contains(found, want) {
			t.Errorf("%s is not found", want)
		}
	}
}

func TestGap_PlantedCall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "planted.go")
	source := "package p\nimport n \"net\"\nvar dial = n.Dial\nvar ip n.IP\n"
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	calls := map[string]bool{}
	callsOf(t, path, calls)
	if len(calls) != 1 || !calls["net.Dial"] {
		t.Errorf("found %v", calls)
	}
}
