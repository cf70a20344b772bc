// Package reference writes manual pages (mdoc(7)) and the command reference
// from a program's command tree. It reads the tree and nothing else.
package reference
