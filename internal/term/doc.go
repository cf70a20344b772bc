// Package term owns the terminal.
//
// Its rules: standard output is data; standard error is progress and prose;
// questions and secrets go to the controlling terminal and never to a pipe; a
// question says what happens on yes and on no; anything but the exact answer
// means no; colour is used only on a terminal and never when NO_COLOR is set;
// a secret is read without echo into a buffer that the caller wipes. It
// imports only internal/fault.
package term
