//! `limit_auth` against many addresses that guess passwords. `script/bench --attack` has the large numbers.

use support::Gateway;
use support::guessing::{Attack, Site};

#[test]
fn guesses_are_few_and_users_log_in() {
    let site = Site::start();
    let gateway = Gateway::start(&site.mail("1m"));
    let outcome = site.attack(Attack {
        guesses: 2000,
        rate: None,
        addresses: 700,
        accounts: 120,
        clients: 16,
    });
    assert_eq!(outcome.most_guesses, 5);
    assert_eq!(outcome.refused, [] as [String; 0]);
    assert_eq!(outcome.unanswered, [] as [String; 0]);
    assert!(!outcome.logins.is_empty());
    gateway.wait_for_log("limiting logins by zone \"accounts\", key \"user");
    assert!(!gateway.log().contains("guess"));
}
