/* Hard rule: every change of state begins a new era, so a ticket counts at most once per state. */
#include "net/breaker.h"

#include "base/banned.h"

void breaker_init(struct breaker *b, const struct breaker_rules *rules)
{
	*b = (struct breaker){.rules_ = rules, .state_ = BREAKER_CLOSED, .era_ = 1};
}

static void enter(struct breaker *b, enum breaker_state state)
{
	b->state_ = state;
	b->era_++;
	b->failures_ = 0;
}

uint64_t breaker_ask(struct breaker *b, int64_t now_us)
{
	if (b->state_ == BREAKER_OPEN && now_us >= b->probe_at_us_)
		enter(b, BREAKER_PROBING);
	else if (b->state_ != BREAKER_CLOSED)
		return 0;
	return b->era_;
}

static void open(struct breaker *b, int64_t pause_us, int64_t now_us)
{
	enter(b, BREAKER_OPEN);
	b->pause_us_ = MIN(pause_us, b->rules_->pause_max_us);
	b->probe_at_us_ = now_us + b->pause_us_;
}

bool breaker_tell(struct breaker *b, uint64_t ticket, bool good, int64_t now_us)
{
	if (ticket != b->era_)
		return false;
	if (b->state_ == BREAKER_PROBING) {
		if (good)
			enter(b, BREAKER_CLOSED);
		else
			open(b, b->pause_us_ * 2, now_us);
		return good;
	}
	b->failures_ = good ? 0 : b->failures_ + 1;
	if (b->failures_ < b->rules_->failures)
		return false;
	open(b, b->rules_->pause_us, now_us);
	return true;
}

enum breaker_state breaker_state(const struct breaker *b)
{
	return b->state_;
}
