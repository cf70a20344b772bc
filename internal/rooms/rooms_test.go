package rooms

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/linnemanlabs/trustroot/"

func golist(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// rooms are the lines of the picture, the highest first.
func rooms(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(text), "<!-- rooms -->")
	list, _, closed := strings.Cut(list, "<!-- /rooms -->")
	if !ok || !closed {
		t.Fatal("docs/architecture.md has no list of rooms")
	}
	line := map[string]int{}
	for n, names := range strings.Split(list, "\n") {
		for _, name := range strings.Fields(names) {
			line[name] = n
		}
	}
	return line
}

func TestRooms_ImportsGoDown(t *testing.T) {
	line := rooms(t)
	for _, row := range golist(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		words := strings.Fields(strings.ReplaceAll(row, module, ""))
		from := words[0]
		if from == "internal/rooms" || strings.HasPrefix(from, "scripts/") {
			continue
		}
		if _, ok := line[from]; !ok {
			t.Errorf("%s is in no room of docs/architecture.md", from)
			continue
		}
		for _, to := range words[1:] {
			at, own := line[to]
			if own && at <= line[from] && !strings.HasPrefix(to, from+"/") {
				t.Errorf("%s imports %s, which does not stand below it", from, to)
			}
		}
	}
}

// The packages of which trustroot-offline links none, and what each would bring.
var kept = map[string]string{
	"github.com/aws/":        "a client of AWS",
	"google.golang.org/grpc": "a client of gRPC",
	"gocloud.dev":            "buckets",
	"github.com/theupdateframework/go-tuf/v2/metadata/updater": "a TUF client",
	"github.com/sigstore/sigstore-go":                          "a Sigstore client",
	module + "kms":                                             "keys in a cloud",
	module + "yubikey/virtual":                                 "a simulated token",
	module + "internal/rehearsal":                              "rehearsals",
	module + "pki/tuf/store":                                   "buckets",
	module + "pki/tuf/client":                                  "a TUF client",
	module + "internal/services":                               "clients of the services",
}

func TestRooms_OfflineLinksNoNetworkClient(t *testing.T) {
	linked := func(program string) (found []string) {
		for _, dep := range golist(t, "-deps", "./cmd/"+program) {
			for prefix := range kept {
				if strings.HasPrefix(dep, prefix) {
					found = append(found, dep)
				}
			}
		}
		return found
	}
	if found := linked("trustroot-offline"); len(found) > 0 {
		t.Errorf("trustroot-offline links %v", found)
	}
	if len(linked("trustroot")) == 0 {
		t.Error("the check finds nothing in trustroot either")
	}
}

// The packages that only tests import.
var forTests = []string{module + "internal/testpki", module + "internal/testpki/sigstore", module + "internal/needs"}

// What is for tests alone is in no program.
func TestRooms_ProgramsLinkNothingOfTests(t *testing.T) {
	for _, row := range golist(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		words := strings.Fields(row)
		for _, to := range words[1:] {
			if slices.Contains(forTests, to) && !slices.Contains(forTests, words[0]) {
				t.Errorf("%s imports %s outside its tests", words[0], to)
			}
		}
	}
	imported := golist(t, "-f", `{{join .TestImports " "}} {{join .XTestImports " "}}`, "./pki")
	if !strings.Contains(imported[0], forTests[0]) {
		t.Error("the check does not see what tests import either")
	}
}

func TestRooms_FilesAndTypesStaySmall(t *testing.T) {
	methods := map[string]map[string]bool{} // by type; one name in files of several builds is one
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		if entry.IsDir() && path != "../.." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || slices.Contains([]string{"bin", "rehearsal", "e2e"}, name)) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		lines := 0
		for s := bufio.NewScanner(strings.NewReader(string(data))); s.Scan(); {
			lines++
		}
		if lines > 300 {
			t.Errorf("%s has %d lines", name, lines)
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, data, 0)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv != nil {
				of := filepath.Dir(name) + "." + receiver(f.Recv.List[0].Type)
				if methods[of] == nil {
					methods[of] = map[string]bool{}
				}
				methods[of][f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, own := range methods {
		if len(own) > 25 {
			t.Errorf("%s has %d methods", name, len(own))
		}
	}
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}
