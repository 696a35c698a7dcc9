// Package account is the state of the lab's AWS accounts: roles, buckets and what is in them, functions, log groups, keys of KMS and
// access keys. It answers as IAM, S3, KMS and Lambda do to those who change something, and decides requests with the evaluator of
// package policy over the policies that are in force. It is a simulation: nothing is sent to AWS, and every change takes effect at once.
package account

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rclone/gofakes3/s3mem"

	"cross-account-s3/policy"
)

// Error is a refusal in the words of AWS.
type Error struct {
	// Code is AWS's name for it, as NoSuchEntity.
	Code string
	// Message says what was refused and why.
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func refuse(code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Decider decides a request; *policy.Engine is one.
type Decider interface {
	Decide(ctx context.Context, c policy.Case) (policy.Result, error)
}

// World is a set of AWS accounts that know of each other, and of no others. It is safe for concurrent use. What its methods return
// are copies.
type World struct {
	decider Decider
	objects *s3mem.Backend
	now     func() time.Time

	mutex         sync.RWMutex
	accounts      []string
	organizations map[string]string    // ids, by account
	roles         map[string]*Role     // by ARN
	buckets       map[string]*Bucket   // by name
	functions     map[string]*Function // by ARN
	logGroups     map[string]*LogGroup // by ARN
	keys          map[string]Key       // by access key id
	watching
	network
	sharing

	accessPoints map[string]*AccessPoint // by ARN

	kmsKeys    map[string]*KMSKey // by ARN
	kmsAliases map[string]string  // ARNs of keys, by the ARN of the alias
}

// New makes accounts with nothing in them. The ids have 12 digits.
func New(decider Decider, accounts ...string) *World {
	return &World{
		decider:       decider,
		objects:       s3mem.New(),
		now:           time.Now,
		accounts:      slices.Clone(accounts),
		organizations: map[string]string{},
		roles:         map[string]*Role{},
		buckets:       map[string]*Bucket{},
		functions:     map[string]*Function{},
		logGroups:     map[string]*LogGroup{},
		keys:          map[string]Key{},
		watching:      newWatching(),
		network:       newNetwork(),
		sharing:       newSharing(),

		accessPoints: map[string]*AccessPoint{},

		kmsKeys:    map[string]*KMSKey{},
		kmsAliases: map[string]string{},
	}
}

// Objects is the storage behind the buckets. Whoever uses it has to ask Authorize first.
func (w *World) Objects() *s3mem.Backend { return w.objects }

// Accounts are the ids of the accounts.
func (w *World) Accounts() []string { return slices.Clone(w.accounts) }

// Inventory are the ARNs of everything that there is in the accounts, sorted.
func (w *World) Inventory() []string {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	arns := slices.Concat(
		slices.Collect(maps.Keys(w.roles)), slices.Collect(maps.Keys(w.functions)), slices.Collect(maps.Keys(w.logGroups)),
		slices.Collect(maps.Keys(w.kmsKeys)), slices.Collect(maps.Keys(w.kmsAliases)), w.watching.arns(), w.network.arns(),
		w.sharing.arns(), slices.Collect(maps.Keys(w.accessPoints)),
	)
	for _, bucket := range w.buckets {
		arns = append(arns, bucket.ARN())
	}
	slices.Sort(arns)
	return arns
}

// Organize puts accounts into an organization, whose id is as o-exampleorgid. It has no policies of its own.
func (w *World) Organize(id string, accounts ...string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, account := range accounts {
		w.organizations[account] = id
	}
}

func (w *World) organization(account string) string {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	return w.organizations[account]
}

func (w *World) knows(account string) bool { return slices.Contains(w.accounts, account) }

// uniqueID is a new id with the given prefix, in the form of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func uniqueID(prefix string) string {
	// Text has 26 characters of the alphabet that AWS uses as well.
	return prefix + rand.Text()[:17]
}
