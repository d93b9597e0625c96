"""Made-up sentences for the characters to say."""

SHORT = ("Yes.", "No!", "What?", "Hi.", "Okay.", "Oh.", "Sure.", "Really?", "Come on.", "I know.")
SHORT += ("Right.", "Why not?", "You did?", "Oh, please.", "Wait.", "So what?", "Good.", "Never.")
SHORT += ("I do not think so.", "Are you sure?", "What do you mean?", "Nobody told me.")
SHORT += ("Give me a second.", "That is great news!", "It is not my fault.", "How was the date?")
SHORT += ("Can we go now?", "I am so happy for you.", "Who is at the door?", "Leave it to me.")
SHOUTS = ("Hey!", "No!", "Stop!", "Stop it!", "Get out!", "Get out of here!", "Wait!", "Help!")
SHOUTS += ("Come back!", "What are you doing?", "Watch out!", "Oh my god!", "Over here!", "Yeah!")
SHOUTS += ("Let me in!", "Where are you?", "I said no!", "Go away!", "Look at that!", "Hello!")
NAMES = ("Anna", "Ben", "Carol", "Daniel", "Emma", "Frank", "Grace", "Henry", "Julie", "Oscar")
PEOPLE = ("I", "you", "we", "they", "my sister", "your boss", "the guy upstairs", "her mother")
PAST = ("bought", "found", "sold", "forgot", "broke", "painted", "hid", "ate", "lost", "watched")
THINGS = ("the sofa", "a sandwich", "my coat", "that film", "the keys", "a whole chicken")
THINGS += ("your phone", "the old lamp", "two tickets", "a birthday cake", "the monkey", "it")
TIMES = ("last night", "on Thursday", "at work", "before dinner", "in the kitchen", "again")
TIMES += ("this morning", "for no reason", "at the party", "three years ago", "in the shower")
FEELINGS = ("funny", "terrible", "so nice", "a little strange", "perfect", "not fair", "wonderful")
WORDS = {"person": PEOPLE, "past": PAST, "thing": THINGS, "time": TIMES, "feel": FEELINGS}
PATTERNS = (
    "{name}, {person} {past} {thing} {time}.",
    "I think {person} {past} {thing}.",
    "You know, that is {feel}.",
    "Did {name} tell you that {person} {past} {thing} {time}?",
    "Well, {person} never {past} {thing}, and that is {feel}.",
    "Where were you {time}?",
    "It was {feel}, but then {name} {past} {thing} {time}, and nobody said anything.",
    "Oh, I can not believe {person} {past} {thing}!",
    "Please, do not talk about {thing} {time}.",
    "{name} and {name2} are going out {time}.",
    "So, how about {thing}?",
    "I just wanted to say that {name} is {feel}, and that I am sorry about {thing}.",
)


def sentence(rng, seconds):
    """Make up something to say.

    Parameters
    ----------
    rng : numpy.random.Generator
    seconds : float
        How long it should take to say it, approximately.

    Returns
    -------
    str
        Of four short phrases and four sentences made from patterns, the one whose length is
        nearest to 14 letters a second.
    """
    drafts = [str(text) for text in rng.choice(SHORT, 4, replace=False)]
    for _ in range(4):
        name, name2 = rng.choice(NAMES, 2, replace=False)
        pattern = str(rng.choice(PATTERNS))
        words = {slot: rng.choice(choices) for slot, choices in WORDS.items()}
        drafts.append(pattern.format(name=name, name2=name2, **words))
    return min(drafts, key=lambda text: abs(len(text) - 14 * seconds))
