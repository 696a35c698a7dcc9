package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	iam "github.com/micahhausler/aws-iam-policy/policy"

	"cross-account-s3/policy"
)

// judge says of each grant what became of it.
type judge struct {
	*Audit
	counted *Counter
	since   time.Time
}

// verdict is the status of one action of a grant.
type verdict struct {
	status Status
	why    string
	use    *use // nil where nothing was recorded
}

// of judges one action of a grant.
func (j *judge) of(g *grant, action string) verdict {
	var one *use
	for _, u := range j.counted.uses[useKey{g.holder, action}] {
		if u.grant == g {
			one = u
		}
	}
	if one == nil {
		one = &use{grant: g, action: action}
	}
	open := func(format string, args ...any) verdict {
		return verdict{Undetermined, fmt.Sprintf(format, args...), one}
	}
	switch {
	case one.granted.count > 0:
		return verdict{Used, "", one}
	case slices.ContainsFunc(j.options.Keep, func(pattern string) bool {
		return matches(strings.ToLower(pattern), strings.ToLower(action)) || matches(pattern, g.holder)
	}):
		return verdict{Kept, "taken to be used", one}
	case one.denied > 0:
		return verdict{Blocked, fmt.Sprintf("asked for %s, and always denied", counted(int64(one.denied), "time")), one}
	case one.unnamed > 0:
		return open("%s like it, of which the records do not tell which role of the account it was", counted(int64(one.unnamed), "access"))
	case one.failed > 0:
		return open("asked for %s, which failed for reasons that do not tell whether it is needed", counted(int64(one.failed), "time"))
	}
	if !namedInRecords.MatchString(g.holder) {
		return open("the records do not always name a principal of this kind, and never did")
	}
	if calls := j.unmappedCalls(g.holder, serviceOf(action)); calls != "" {
		return open("there are records of calls whose action is not known: %s", calls)
	}
	begin, missing := j.recordedSince(g, action)
	switch {
	case missing != "":
		return open("%s", missing)
	case day(begin).After(day(j.since)) && j.options.Since.IsZero():
		return verdict{Unused, "the records that would show it begin on " + begin.Format(time.DateOnly), one}
	case day(begin).After(day(j.since)):
		return open("the records that would show it begin on %s, and say nothing of the time before", begin.Format(time.DateOnly))
	case !one.before.IsZero():
		return verdict{Unused, "last used on " + one.before.Format(time.DateOnly), one}
	}
	return verdict{Unused, "", one}
}

// namedInRecords are the principals that records tell reliably: not services, which do some things by themselves, and not identity
// providers and canonical users.
var namedInRecords = regexp.MustCompile(
	`^(?:\*|A[A-Z0-9]+|arn:[^:]*:(?:iam|sts)::\d{12}:(?:root|user/.*|role/.*|assumed-role/.*|federated-user/.*))$`)

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func (j *judge) unmappedCalls(holder, service string) string {
	var calls []string
	for key := range j.counted.unmapped {
		if key.principal == holder && key.what == service {
			calls = append(calls, key.resource)
		}
	}
	slices.Sort(calls)
	return strings.Join(calls[:min(3, len(calls))], ", ")
}

// recordedSince is from when on the records would show an access, or why it is not known that they would.
func (j *judge) recordedSince(g *grant, action string) (begin time.Time, missing string) {
	buckets := []string{""}
	if j.isObjectAccess(action) {
		buckets = bucketsOf(g)
	}
	if len(buckets) == 0 {
		return begin, "it is not about certain buckets, and whether the data events of all are recorded is not known"
	}
	// A call across accounts is recorded in both.
	accounts := []string{policy.AccountOf(g.holder), g.document.Account}
	if serviceOf(action) == "s3" {
		for _, bucket := range bucketsOf(g) {
			accounts = append(accounts, j.ownerOf(bucket))
		}
	}
	for _, bucket := range buckets {
		of := j.channelOf(action, bucket)
		var found *span
		for _, account := range accounts {
			for _, reads := range []bool{true, false} {
				// What reads, KMS, STS and the catalogue do not see alike.
				if service := serviceOf(action); of.what == bucket || service != "kms" && service != "sts" && j.services[service] {
					if reads != j.reads(action) {
						continue
					}
				}
				of.account, of.reads = account, reads
				if seen := j.counted.channels[of]; account != "" && seen != nil && (found == nil || seen.first.Before(found.first)) {
					found = seen
				}
			}
		}
		var from time.Time
		switch {
		case bucket != "" && slices.Contains(j.options.Recorded, strings.TrimPrefix(bucket, "arn:aws:s3:::")):
			from = j.counted.records.first
		case found != nil:
			from = found.first
		case bucket != "":
			doing := "writes"
			if j.reads(action) {
				doing = "reads"
			}
			return begin, fmt.Sprintf("there is no data event that %s of the bucket %s: they may not be recorded", doing,
				strings.TrimPrefix(bucket, "arn:aws:s3:::"))
		case of.what == "calls of "+action:
			return begin, "whether CloudTrail records it is not known, and there is no record of it by anybody"
		default:
			return begin, fmt.Sprintf("there are no records of %s: they may not be recorded", of.what)
		}
		if from.After(begin) {
			begin = from
		}
	}
	return begin, ""
}

func (j *judge) reads(action string) bool {
	access := j.actions[action].Access
	return access == "List" || access == "Read"
}

// ownerOf is the account of a bucket of the stacks.
func (j *judge) ownerOf(bucket string) string {
	if attachment := j.resources[bucket]; attachment != nil {
		return attachment.Account
	}
	return ""
}

// bucketsOf are the ARNs of the buckets that a grant is about; none where it does not say which.
func bucketsOf(g *grant) []string {
	var buckets []string
	for _, resource := range g.resources {
		bucket, _, _ := strings.Cut(resource, "/")
		if g.butResources || !strings.Contains(bucket, ":s3:::") || literalStart(bucket) != bucket {
			return nil
		}
		if !slices.Contains(buckets, bucket) {
			buckets = append(buckets, bucket)
		}
	}
	return buckets
}

// expansion are the actions that a grant covers: those of the catalogue, those that it names, and those that were recorded.
func (j *judge) expansion(g *grant, pattern string) []string {
	found := map[string]bool{}
	for action := range j.actions {
		if matches(strings.ToLower(pattern), strings.ToLower(action)) {
			found[action] = true
		}
	}
	// A pattern about services that the catalogue does not have covers more than can be listed, and stands for that itself.
	if len(found) == 0 || literalStart(pattern) != pattern && !j.services[strings.ToLower(serviceOf(pattern))] {
		found[pattern] = true
	}
	for key, uses := range j.counted.uses {
		if key.holder == g.holder && len(uses) > 0 && matches(strings.ToLower(pattern), strings.ToLower(key.action)) {
			found[key.action] = true
		}
	}
	return sorted(found)
}

// actionsOf are the actions of a grant by the pattern that covers them; those of NotAction are only the ones that were recorded.
func (j *judge) actionsOf(g *grant) map[string][]string {
	all := map[string][]string{}
	if !g.but {
		for _, pattern := range g.written {
			all[pattern] = j.expansion(g, pattern)
		}
		return all
	}
	recorded := map[string]bool{}
	for key, uses := range j.counted.uses {
		if key.holder == g.holder && slices.ContainsFunc(uses, func(u *use) bool { return u.grant == g }) {
			recorded[key.action] = true
		}
	}
	return map[string][]string{"": sorted(recorded)}
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// grants are the rows of a holder: each used action for itself, the others together with those that became the same.
func (j *judge) grants(holder string) []Grant {
	var rows []Grant
	index := map[string]int{}
	add := func(key string, row Grant) {
		at, there := index[key]
		if !there {
			index[key] = len(rows)
			rows = append(rows, row)
			return
		}
		into := &rows[at]
		into.By = append(into.By, row.By...)
	}
	for _, g := range j.holders[holder] {
		resources := resourcesOf(g.document.statements[g.statement])
		if resources == nil {
			resources = g.resources
		}
		together := map[[2]string][]string{}
		seen := map[string]bool{}
		actions := j.actionsOf(g)
		for _, pattern := range slices.Sorted(maps.Keys(actions)) {
			for _, action := range actions[pattern] {
				if seen[action] {
					continue
				}
				seen[action] = true
				of := j.of(g, action)
				if of.status != Used {
					key := [2]string{string(of.status), of.why}
					together[key] = append(together[key], action)
					continue
				}
				first, last := of.use.granted.first, of.use.granted.last
				add("used "+action+strings.Join(resources, " "), Grant{
					Status: Used, Actions: []string{action}, Resources: resources, By: []Place{g.place()},
					Records: of.use.granted.count, First: &first, Last: &last,
				})
			}
		}
		if g.but && len(actions[""]) == 0 {
			add(fmt.Sprint(g), Grant{Status: Unused, Actions: g.written, But: true, Resources: resources, By: []Place{g.place()}})
		}
		for _, key := range slices.SortedFunc(maps.Keys(together), func(x, y [2]string) int { return strings.Compare(x[0]+x[1], y[0]+y[1]) }) {
			slices.Sort(together[key])
			add(strings.Join(append([]string{key[0], key[1]}, append(together[key], resources...)...), " "), Grant{
				Status: Status(key[0]), Actions: together[key], Resources: resources, By: []Place{g.place()}, Why: key[1],
			})
		}
	}
	order := []Status{Used, Blocked, Unused, Undetermined, Kept}
	slices.SortStableFunc(rows, func(x, y Grant) int {
		return cmp.Or(slices.Index(order, x.Status)-slices.Index(order, y.Status), slices.Compare(x.Actions, y.Actions))
	})
	return rows
}

// narrower are the documents of which something was never used, without it.
func (j *judge) narrower() []Narrower {
	found := []Narrower{}
	for _, d := range j.documents {
		var statements []iam.Statement
		changed := false
		for i, statement := range d.statements {
			kept, differs := j.narrow(d, i, statement)
			changed = changed || differs
			if kept != nil {
				statements = append(statements, *kept)
			}
		}
		if !changed {
			continue
		}
		one := Narrower{Stack: d.Stack, URN: d.URN, Name: d.name}
		if len(statements) > 0 {
			narrow := d.parsed
			narrow.Statements = iam.NewStatementOrSlice(statements...)
			// It was JSON, and of its parts some are gone.
			one.Policy, _ = json.Marshal(narrow)
		}
		found = append(found, one)
	}
	return found
}

// narrow is a statement with what was used, or may have been; nil where that is nothing.
func (j *judge) narrow(d *document, index int, statement iam.Statement) (kept *iam.Statement, changed bool) {
	var of []*grant
	for _, grants := range j.holders {
		for _, g := range grants {
			if g.document == d && g.statement == index {
				of = append(of, g)
			}
		}
	}
	if len(of) == 0 || of[0].but {
		return &statement, false
	}
	keep, used := []string{}, map[int]resourceUse{}
	settled := true // everything that is kept is kept because it was used
	for _, pattern := range of[0].written {
		var wanted []string
		all := j.expansion(of[0], pattern)
		for _, g := range of[1:] {
			all = append(all, j.expansion(g, pattern)...)
		}
		slices.Sort(all)
		all = slices.Compact(all)
		open := false
		for _, action := range all {
			needed := false
			for _, g := range of {
				verdict := j.of(g, action)
				needed = needed || verdict.status != Unused
				open = open || verdict.status == Undetermined
				settled = settled && (verdict.status == Used || verdict.status == Unused)
				for i, resource := range verdict.use.resources {
					sum := used[i]
					sum.merge(resource)
					used[i] = sum
				}
			}
			if needed {
				wanted = append(wanted, action)
			}
		}
		switch {
		case len(wanted) == len(all) || open && literalStart(pattern) != pattern: // What may be needed of a pattern is too much to list.
			keep = append(keep, pattern)
		default:
			changed = true
			keep = append(keep, wanted...)
		}
	}
	if len(keep) == 0 {
		return nil, true
	}
	narrow := statement
	narrow.Action = iam.NewStringOrSlice(len(keep) == 1, keep...)
	if resources, fewer := narrowResources(of[0], used); settled && fewer {
		changed = true
		narrow.Resource = iam.NewStringOrSlice(len(resources) == 1, resources...)
	}
	return &narrow, changed
}

// narrowResources are the resource patterns that were used, those of objects with the directories of the used keys where these are few.
func narrowResources(g *grant, used map[int]resourceUse) (resources []string, fewer bool) {
	statement := g.document.statements[g.statement]
	if g.butResources || statement.Resource == nil {
		return nil, false
	}
	for i, written := range statement.Resource.Values() {
		use := used[i]
		if use.count == 0 {
			fewer = true
			continue
		}
		within := narrowKeys(written, use)
		fewer = fewer || !slices.Equal(within, []string{written})
		resources = append(resources, within...)
	}
	return resources, fewer && len(resources) > 0
}

// narrowKeys puts the directories of the used keys into a pattern of all keys, or of all below a directory. It goes one directory down and
// no further: what is below is more likely to change, as dates do.
func narrowKeys(pattern string, use resourceUse) []string {
	bucket, prefix, isObject := strings.Cut(strings.TrimSuffix(pattern, "*"), "/")
	if !isObject || !strings.HasSuffix(pattern, "*") || use.whole || literalStart(bucket+prefix) != bucket+prefix ||
		strings.Contains(prefix, "${") {
		return []string{pattern}
	}
	for _, directories := range use.directories {
		if directories.full {
			break
		}
		var within []string
		for _, path := range sorted(directories.paths) {
			if len(path) > len(prefix) {
				within = append(within, bucket+"/"+path+"*")
			}
		}
		if len(within) > 0 && len(within) == len(directories.paths) {
			return within
		}
	}
	return []string{pattern}
}
