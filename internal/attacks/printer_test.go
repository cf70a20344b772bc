package attacks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// pastThePrinter are the places that may name a stream of the process, by the
// folder of the package: internal/term owns the printer, the factory gives it
// the streams, and a rehearsal gives a virtual machine its console.
var pastThePrinter = map[string]bool{"internal/term": true, "internal/cli/cmdutil": true, "internal/cli/rehearse": true}

// printing are the packages in which people read what is composed: commands,
// and what describes and reports. There fmt.Fprint would pass a value from
// outside unescaped.
func printing(dir string) bool { return strings.HasPrefix(dir, "internal/cli") }

// TestOnePrinter looks through the syntax of the whole program: nobody but the
// printer writes to a stream, and commands compose with it.
func TestOnePrinter(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() && (name == "testdata" || name == "scripts" || name == "e2e" || name == "node_modules" || strings.HasPrefix(name, ".") && len(name) > 2) {
			return filepath.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), "../../"))
		for _, found := range past(file, dir) {
			t.Errorf("%s: %s", fset.Position(found.pos), found.what)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 300 {
		t.Errorf("only %d files were looked through", files)
	}
}

type offence struct {
	pos  token.Pos
	what string
}

// past finds what goes past the printer in one file of a package.
func past(file *ast.File, dir string) []offence {
	var found []offence
	add := func(n ast.Node, what string) { found = append(found, offence{n.Pos(), what}) }
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if name, ok := call.Fun.(*ast.Ident); ok && (name.Name == "print" || name.Name == "println") {
				add(n, "the builtin "+name.Name+" writes to standard error")
			}
			if asks(call) {
				for _, arg := range call.Args {
					for _, s := range composed(arg) {
						add(s, "compose what a person reads with term.Sprintf")
					}
				}
			}
		}
		if literal, ok := n.(*ast.CompositeLit); ok && selector(literal.Type) == "term.Question" {
			for _, element := range literal.Elts {
				for _, s := range composed(element) {
					add(s, "compose a question with term.Sprintf")
				}
			}
		}
		switch name := selector(n); {
		case (name == "os.Stdout" || name == "os.Stderr") && !pastThePrinter[dir]:
			add(n, name+" is the printer's: take the factory's Out or Err")
		case strings.HasPrefix(name, "fmt.Print"), strings.HasPrefix(name, "log.Print"), strings.HasPrefix(name, "log.Fatal"), strings.HasPrefix(name, "log.Panic"):
			add(n, name+" goes past the printer")
		case strings.HasPrefix(name, "fmt.Fprint") && printing(dir):
			add(n, name+" passes values as they are: take term.Fprintf")
		}
		return true
	})
	return found
}

// asks reports whether a call shows its arguments to a person.
func asks(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && (f.Sel.Name == "Notice" || f.Sel.Name == "Secret" && len(call.Args) == 1)
}

// composed are the calls of fmt in an expression.
func composed(n ast.Node) (found []ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && selector(call.Fun) == "fmt.Sprintf" {
			found = append(found, call)
		}
		return true
	})
	return found
}

// selector is "package.Name" of an expression, or empty.
func selector(n ast.Node) string {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := s.X.(*ast.Ident); ok {
		return x.Name + "." + s.Sel.Name
	}
	return ""
}

// TestOnePrinter_FindsEach holds that the test can fail.
func TestOnePrinter_FindsEach(t *testing.T) {
	const text = `package p
import ("fmt"; "os"; "log")
func f(o *opts, name string) {
	fmt.Println(name)
	fmt.Fprintf(o.Out, "%s", name)
	os.Stdout.WriteString(name)
	println(name)
	log.Fatal(name)
	o.Operator.Notice(fmt.Sprintf("%s", name))
	o.Operator.Confirm(term.Question{Text: "x" + fmt.Sprintf("%s", name)})
}`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	if found := past(file, "internal/cli/p"); len(found) != 7 {
		t.Errorf("%d of 7: %v", len(found), found)
	}
}
