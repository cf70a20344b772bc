// Package holders invites the holders of a repository's keys, lets them answer
// with a key of a token of their own, and checks what is on file of them.
package holders
