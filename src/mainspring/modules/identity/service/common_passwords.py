"""Passwords that everyone tries first, of at least eight characters, in lower case.

Digits and ``!``, ``.`` or ``?`` at the end make none of them better, so that they are listed without.
"""

COMMON = frozenset(
    """
    password passwort motdepasse contrasena contraseña senha123 wachtwoord salasana lozinka parola12 sifre123
    passw0rd p@ssword p@ssw0rd pa$$word pa55word passwords passwd12 mypassword thepassword yourpassword password1a
    password1234 password123a newpassword oldpassword nopassword secretpassword defaultpassword passphrase
    adminadmin admin123 admin1234 administrator administrateur rootroot root1234 toor1234 useruser user1234
    testtest test1234 testing1 testing12 tester12 guestguest guest123 demodemo demo1234 default1 changeme changeme1
    changethis changeit letmein1 letmein12 letmeinnow welcome1 welcome12 welcome123 welcomehome hellohello hello123
    helloworld iloveyou iloveyou1 iloveyou2 iloveu12 loveyou1 lovelove loveme12 ihateyou fuckyou1 fuckoff1 asshole1
    qwerty12 qwerty123 qwertyui qwertyuiop qwertz12 qwertzui qwertzuiop azerty12 azertyui azertyuiop asdfghjk
    asdfghjkl asdfasdf asdf1234 zxcvbnm1 zxcvbnm12 zxcvzxcv 1qaz2wsx 1q2w3e4r 1q2w3e4r5t q1w2e3r4 q1w2e3r4t5 qazwsxedc
    qazwsx12 zaq12wsx zaq1zaq1 zaq1xsw2 1234qwer 123qweasd qwe12345 qweasdzxc qweqweqwe abcd1234 abc12345 abc123456
    a1b2c3d4 aa123456 a1234567 a12345678 abcdefgh abcdefghi abcdabcd abcabcabc aaaaaaaa 11111111 00000000 12121212
    11223344 11112222 12341234 123123123 123321123 12344321 98765432 987654321 0987654321 87654321 123456789 12345678
    1234567890 1234567891 0123456789 147258369 159357456 741852963 789456123 321654987 142536475 101010101 696969696
    football baseball basketball volleyball softball icehockey superman spiderman batman12 batman123 wolverine
    deadpool1 ironman1 avengers captain1 startrek starwars starwars1 matrix12 gandalf1 frodo123 hobbit12 pokemon1
    pokemon12 pikachu1 minecraft fortnite roblox12 nintendo playstation xbox3600 counter1 warcraft starcraft
    princess princess1 sunshine sunshine1 butterfly flowers1 rainbow1 diamond1 sapphire blessed1 jesus123 jesuschrist
    christ12 godisgood blessing faith123 trustno1 trustnoone whatever whatever1 nothing1 anything something everything
    computer computer1 internet samsung1 samsung12 motorola blackberry microsoft windows1 google12 google123 facebook
    facebook1 linkedin twitter1 instagram youtube1 snapchat whatsapp telegram amazon12 apple123 iphone12 android1
    michelle michael1 jennifer jessica1 danielle stephanie elizabeth victoria nicholas jonathan christopher
    alexander alexandra benjamin samantha veronica catherine margaret patricia sebastian dominic1 gabriel1 gabriela
    francisco fernando valentina anthony1 matthew1 william1 charlie1 thomas12 jordan23 jordan12 robert12 daniel12
    andrew12 joshua12 ashley12 hannah12 nicole12 monkey12 monkey123 dragon12 dragon123 shadow12 shadow123 master12
    master123 killer12 hunter12 hunter123 tigger12 soccer12 hockey12 ginger12 pepper12 cookie12 summer12 winter12
    spring12 autumn12 january1 february december november october1 september monday12 friday12 sunday12 saturday
    chocolate strawberry blueberry cinnamon cheesecake bananas1 cupcakes sweetheart babygirl babygirl1 babyboy1 cutie123
    beautiful handsome loverboy lovergirl forever1 friends1 bestfriend family12 mother12 father12 brother1 sister12
    mustang1 corvette ferrari1 lamborghini porsche1 mercedes chevrolet harleydavidson yamaha12 kawasaki ducati12
    liverpool arsenal1 chelsea1 manchester barcelona realmadrid juventus1 benfica1 dortmund bayern12 steelers cowboys1
    lakers12 yankees1 redsox12 eagles12 patriots america1 canada12 england1 scotland ireland1 australia germany1
    deutschland schalke04 hallo123 hallo1234 schatz12 sommer12 winter123 bonjour1 bonjour12 jetaime1 doudou12 soleil12
    loulou12 chouchou amore123 ciaociao juventus forzamilan teamo123 tequiero mariposa estrella princesa hola1234
    qwerty1234 qwerty12345 zxcvbnm123 asdfghjkl1 access14 access123 security security1 secret12 secret123 private1
    temporary temppass temp1234 login123 logmein1 opensesame abracadabra sesame12 swordfish blink182 metallica nirvana1
    slipknot rockstar guitar12 drummer1 musiclover dancing1 panther1 leopard1 elephant dolphins penguin1 dinosaur
    crocodile kittycat pussycat doggystyle scooter1 snoopy12 garfield mickey12 mickeymouse minnie12 donaldduck
    midnight moonlight sunflower thunder1 lightning hurricane tornado1 volcano1 mountain1 freedom1 liberty1 victory1
    warrior1 gladiator spartan1 phoenix1 vampire1 werewolf zombie12 ghost123 darkness darkside lucifer1 angel123
    angels12 heaven12 paradise infinity universe galaxy12 space123 jupiter1 mercury1 saturn12 neptune1
    machinelearning datascience deeplearning tensorflow pytorch1 kubernetes postgres postgresql database1 jupyter1
    mlflow12 mlflow123 model123 training1 experiment notebook notebook1 developer engineer1 scientist
    correcthorsebatterystaple
    """.split()
)

ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "12345678901234567890",
    "1234567890-=",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
)
"""Rows of characters as alphabets and keyboards have them: whatever lies in one, in either direction, is no secret."""
