package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cross-account-s3/policy"
	"cross-account-s3/trail"
)

// maxExplained is how many kinds of denied accesses are explained.
const maxExplained = 200

// Status is what the records say of what is granted.
type Status string

const (
	// Used: an access that succeeded matches the grant.
	Used Status = "used"
	// Blocked: the grant was asked for, and something else denied it every time.
	Blocked Status = "blocked"
	// Unused: the records would show a use, and show none.
	Unused Status = "unused"
	// Undetermined: the records cannot show whether it was used.
	Undetermined Status = "undetermined"
	// Kept: it is taken to be used, by Options.Keep.
	Kept Status = "kept"
)

// Report is the outcome of an audit.
type Report struct {
	// Since is the date from which uses count; the first record where none was given.
	Since time.Time `json:"since"`
	// First and Last are from when to when the records reach.
	First time.Time     `json:"first"`
	Last  time.Time     `json:"last"`
	Read  trail.Summary `json:"read"`
	// Elsewhere is how many accesses have nothing to do with the stacks.
	Elsewhere  int         `json:"elsewhere"`
	Principals []Principal `json:"principals"`
	// Narrower are the policies that grant no more than was used, or may have been.
	Narrower []Narrower `json:"narrower"`
	// Open is what could not be judged, besides the grants that are undetermined.
	Open []string `json:"open"`
}

// Principal is what is granted to one, and what became of it.
type Principal struct {
	// Name is an ARN, a service, or * for everybody.
	Name   string   `json:"name"`
	Grants []Grant  `json:"grants"`
	Denied []Denial `json:"denied"`
	// Other is what the principal did on the stacks' resources, or at all if it is theirs, without a grant of the stacks.
	Other []Other `json:"other"`
}

// Grant is what policies grant of actions that became the same.
type Grant struct {
	Status  Status   `json:"status"`
	Actions []string `json:"actions"`
	// But says that the actions are all but these.
	But       bool       `json:"but,omitempty"`
	Resources []string   `json:"resources"`
	By        []Place    `json:"by"`
	Records   int        `json:"records"`
	First     *time.Time `json:"first,omitempty"`
	Last      *time.Time `json:"last,omitempty"`
	// Why says why it is undetermined, or what else there is to say.
	Why string `json:"why,omitempty"`
}

// Place is a statement, counted from 0.
type Place struct {
	Stack     string `json:"stack"`
	URN       string `json:"urn"`
	Policy    string `json:"policy"`
	Statement int    `json:"statement"`
	Sid       string `json:"sid,omitempty"`
}

// Denial is a kind of accesses that were denied, with the reason of one of them.
type Denial struct {
	Action string `json:"action"`
	// Resource is that of the example, Within what all of them are in.
	Resource string    `json:"resource"`
	Within   string    `json:"within"`
	Records  int       `json:"records"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Code     string    `json:"code"`
	// Decision and Reason are the evaluator's, on the policies of the stacks.
	Decision policy.Decision `json:"decision"`
	Reason   string          `json:"reason"`
	// AWS is the reason that the record tells.
	AWS string `json:"aws,omitempty"`
}

// Other is a kind of accesses that no stack grants.
type Other struct {
	Action   string    `json:"action"`
	Resource string    `json:"resource"`
	Records  int       `json:"records"`
	Last     time.Time `json:"last"`
}

// Narrower is a policy with what may go left out.
type Narrower struct {
	Stack string `json:"stack"`
	URN   string `json:"urn"`
	Name  string `json:"name"`
	// Policy is nil where nothing of the policy is used.
	Policy json.RawMessage `json:"policy"`
}

// Count is how many grants have a status.
func (r *Report) Count(status Status) int {
	count := 0
	for _, principal := range r.Principals {
		for _, grant := range principal.Grants {
			if grant.Status == status {
				count += len(grant.Actions)
			}
		}
	}
	return count
}

// Denied is how many accesses were denied.
func (r *Report) Denied() int {
	count := 0
	for _, principal := range r.Principals {
		for _, denial := range principal.Denied {
			count += denial.Records
		}
	}
	return count
}

// Report judges what counters have counted. It fails where there is nothing to judge.
func (a *Audit) Report(ctx context.Context, counters ...*Counter) (*Report, error) {
	total := a.Counter()
	for _, counter := range counters {
		total.merge(counter)
	}
	if total.records.count == 0 {
		return nil, errors.New("there is no record of a call, so that nothing can be said")
	}
	if len(a.holders) == 0 && len(a.open) == 0 {
		return nil, errors.New("the stacks have no policy that grants anything")
	}
	report := &Report{
		Since: a.options.Since, First: total.records.first, Last: total.records.last, Elsewhere: total.elsewhere,
		Open: listed(slices.Clone(a.open)), Narrower: []Narrower{},
	}
	if report.Since.IsZero() {
		report.Since = report.First
	}
	open := func(format string, args ...any) { report.Open = append(report.Open, fmt.Sprintf(format, args...)) }
	if day(report.First).After(day(report.Since)) {
		open("the records begin on %s, and say nothing of the time before", report.First.Format(time.DateOnly))
	}
	judge := &judge{Audit: a, counted: total, since: report.Since}
	denied, cut, err := a.denials(ctx, total.denied)
	if err != nil {
		return nil, err
	}
	if cut > 0 {
		open("%d kinds of denied accesses are not explained: only the %d most frequent are", cut, maxExplained)
	}
	if total.dropped > 0 {
		open("%d accesses are of more kinds than are kept, and are not listed", total.dropped)
	}
	other := map[string][]Other{}
	for key, group := range total.other {
		other[key.principal] = append(other[key.principal], Other{key.what, key.resource, group.count, group.last})
	}
	names := map[string]bool{}
	for _, all := range []([]string){
		slices.Collect(maps.Keys(a.holders)), slices.Collect(maps.Keys(denied)), slices.Collect(maps.Keys(other)),
	} {
		for _, name := range all {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		principal := Principal{Name: name, Grants: listed(judge.grants(name)), Denied: listed(denied[name]), Other: listed(other[name])}
		slices.SortFunc(principal.Other, func(x, y Other) int {
			return cmp.Or(y.Records-x.Records, strings.Compare(x.Action+x.Resource, y.Action+y.Resource))
		})
		report.Principals = append(report.Principals, principal)
	}
	report.Narrower = judge.narrower()
	return report, nil
}

// listed is a list that is written as one also where it is empty.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// merge adds what another counter has counted.
func (c *Counter) merge(other *Counter) {
	for key, more := range other.uses {
		for _, one := range more {
			into := c.usesOf(key.holder, key.action)
			index := slices.IndexFunc(into, func(u *use) bool { return u.grant == one.grant })
			if index >= 0 {
				into[index].merge(one)
			}
		}
	}
	mergeSpans(c.channels, other.channels)
	mergeSpans(c.other, other.other)
	mergeSpans(c.unmapped, other.unmapped)
	for key, group := range other.denied {
		if c.denied[key] == nil {
			c.denied[key] = &denied{}
		}
		c.denied[key].merge(group)
	}
	c.records.merge(other.records)
	c.elsewhere += other.elsewhere
	c.dropped += other.dropped
}

func mergeSpans[K comparable](into, from map[K]*span) {
	for key, one := range from {
		if into[key] == nil {
			into[key] = &span{}
		}
		into[key].merge(*one)
	}
}

func (u *use) merge(other *use) {
	u.granted.merge(other.granted)
	u.denied += other.denied
	u.failed += other.failed
	u.unnamed += other.unnamed
	if other.before.After(u.before) {
		u.before = other.before
	}
	for i := range u.resources {
		u.resources[i].merge(other.resources[i])
	}
}
