package policy

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/cache"
)

// maxCachedPatterns bounds the compiled patterns that are kept from one question to the next, so that a stream of documents that all
// have patterns of their own does not fill the memory.
const maxCachedPatterns = 2_000

// program is compiled Rego modules, with the data they look at. It is safe for concurrent use.
type program struct {
	compiler *ast.Compiler
	store    storage.Store
	patterns cache.InterQueryValueCache
}

// preparedQuery is a query that a program is asked about one input after the other.
type preparedQuery struct {
	body     ast.Body
	compiler ast.QueryCompiler
}

// checkedByTests are the compiler's stages that a program needs for its errors alone. The modules are built in, and the tests compile them
// with all of the stages.
var checkedByTests = []ast.StageID{
	ast.StageCheckKeywordOverrides, ast.StageCheckDuplicateImports, ast.StageCheckVoidCalls, ast.StageCheckSafetyRuleHeads,
	ast.StageCheckRuleConflicts, ast.StageCheckTypes, ast.StageBuildRequiredCapabilities,
	ast.StageSetGraph, ast.StageCheckRecursion, // The graph is for finding recursion alone.
}

// newProgram compiles modules.
func newProgram(ctx context.Context, modules map[string]*ast.Module, data map[string]any) (*program, error) {
	compiler := ast.NewCompiler().WithSkipStages(checkedByTests...)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, compiler.Errors
	}
	size := maxCachedPatterns
	return &program{
		compiler: compiler,
		store:    inmem.NewFromObject(data),
		patterns: cache.NewInterQueryValueCache(ctx, &cache.Config{
			InterQueryBuiltinValueCache: cache.InterQueryBuiltinValueCacheConfig{MaxNumEntries: &size},
		}),
	}, nil
}

// prepare compiles a query.
func (p *program) prepare(query string) (preparedQuery, error) {
	parsed, err := ast.ParseBodyWithOpts(query, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		return preparedQuery{}, fmt.Errorf("parsing the query %q: %w", query, err)
	}
	queryCompiler := p.compiler.QueryCompiler()
	body, err := queryCompiler.Compile(parsed)
	if err != nil {
		return preparedQuery{}, fmt.Errorf("preparing the query %q: %w", query, err)
	}
	return preparedQuery{body: body, compiler: queryCompiler}, nil
}

// answer is what a query binds, by its variables.
type answer topdown.QueryResult

// value is what a variable is bound to.
func (a answer) value(variable string) ast.Value { return a[ast.Var(variable)].Value }

// read makes a Go value of what a variable is bound to, of a set as of an array.
func (a answer) read(variable string, into any) error {
	value, err := ast.JSON(a.value(variable))
	if err == nil {
		err = convert(value, into)
	}
	if err != nil {
		return fmt.Errorf("the Rego modules gave %s of an unexpected shape: %w", variable, err)
	}
	return nil
}

// convert makes another shape of a value, by way of JSON.
func convert(value, into any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// ask asks one thing, to which there must be exactly one answer. Nothing that happens inside OPA reaches the caller as a panic.
func (p *program) ask(ctx context.Context, prepared preparedQuery, input ast.Value) (found answer, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the Rego modules broke on this: %v", broken)
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	txn, err := p.store.NewTransaction(ctx)
	if err != nil {
		return nil, fmt.Errorf("preparing the evaluation: %w", err)
	}
	defer p.store.Abort(ctx, txn)

	query := topdown.NewQuery(prepared.body).
		WithQueryCompiler(prepared.compiler).
		WithCompiler(p.compiler).
		WithStore(p.store).
		WithTransaction(txn).
		WithInput(ast.NewTerm(input)).
		WithInterQueryBuiltinValueCache(p.patterns)
	if ctx.Done() != nil {
		cancel := topdown.NewCancel()
		defer context.AfterFunc(ctx, cancel.Cancel)()
		query = query.WithCancel(cancel)
	}
	var answers []topdown.QueryResult
	err = query.Iter(ctx, func(one topdown.QueryResult) error {
		answers = append(answers, one)
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case len(answers) != 1:
		return nil, fmt.Errorf("the Rego modules gave %d answers, not one", len(answers))
	}
	return answer(answers[0]), nil
}
